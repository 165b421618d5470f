"""Where models and embeddings are kept: folders, variables, temporary names.

Nothing here touches the disk before it is called.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_cache_path, user_config_path, user_data_path

from napari_sam21.core.errors import ModelError

HOME_VARIABLE = "NAPARI_SAM21_HOME"
MIRROR_VARIABLE = "NAPARI_SAM21_MIRROR"
CACHE_VARIABLE = "NAPARI_SAM21_CACHE"
SESSIONS_VARIABLE = "NAPARI_SAM21_SESSIONS"
SETTINGS_VARIABLE = "NAPARI_SAM21_SETTINGS"
OFF = "off"
APP = "napari-sam21"
STAGED = ".staged-"
"""Begins the names of folders that are not complete, and are never listed."""

TRIES = 20
"""To give a model its name, when others give theirs to the same at once."""

TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.EACCES)
"""What systems say when a name is taken already."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""What a model may be called: it is the name of a folder, on any system."""

DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)
"""What Windows takes for a device, and not for a folder."""


def homes() -> tuple[Path, ...]:
    """Return the folders that models are looked for in, in order.

    First the one that ``NAPARI_SAM21_HOME`` names (a lab's shared folder, which may be
    read-only), then the user's own.
    """
    named = os.environ.get(HOME_VARIABLE, "").strip()
    own = user_data_path(APP, appauthor=False)
    # os.path leaves "~nobody" as it is, where Path would raise.
    return (Path(os.path.expanduser(named)), own) if named else (own,)


def model_folders() -> tuple[Path, ...]:
    """Return the folders that hold one folder for each model, in order."""
    return tuple(home / "models" for home in homes())


def partial_folder() -> Path:
    """Return the folder of downloads that are not complete; the user's own."""
    return own_cache() / "downloads"


def own_cache() -> Path:
    """Return the user's own folder for what can be made again."""
    return user_cache_path(APP, appauthor=False)


def sessions_folder() -> Path | None:
    """Return the folder of sessions: what was done to labels, as it happened.

    The user's own, unless ``NAPARI_SAM21_SESSIONS`` names another one that holds it;
    None if that is ``off``.
    """
    named = os.environ.get(SESSIONS_VARIABLE, "").strip()
    if named == OFF:
        return None
    if named:
        return Path(named).expanduser().absolute() / "sessions"
    return user_data_path(APP, appauthor=False) / "sessions"


def settings_folder() -> Path | None:
    """Return the folder of what the user chose: model, embeddings, preferences.

    The user's own, unless ``NAPARI_SAM21_SETTINGS`` names another one; None if that is
    ``off``: nothing is remembered then.
    """
    named = os.environ.get(SETTINGS_VARIABLE, "").strip()
    if named == OFF:
        return None
    if named:
        return Path(os.path.expanduser(named)).absolute()
    return user_config_path(APP, appauthor=False)


def mirror() -> str | None:
    """Return the address of the institute's mirror, or None.

    Raises
    ------
    ModelError
        If ``NAPARI_SAM21_MIRROR`` is no http or https address.
    """
    address = os.environ.get(MIRROR_VARIABLE, "").strip()
    if not address:
        return None
    if not _is_address(address):
        raise ModelError(
            f"{MIRROR_VARIABLE} is {address!r}, expected an address that begins with "
            "https:// or http:// and names a host; for a folder set "
            f"{HOME_VARIABLE} instead"
        )
    return address.rstrip("/") + "/"


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port  # looked at only when asked for
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def check_name(name: str) -> str:
    """Return a name that a model can be kept under.

    Raises
    ------
    ModelError
        If it would not do as the name of a folder.
    """
    if NAME.fullmatch(name) is None or name.endswith(".") or DEVICE.fullmatch(name):
        raise ModelError(
            f"a model cannot be called {name!r}; use up to 64 letters, digits and "
            "the signs . _ + - beginning with a letter or digit, not ending in a dot, "
            "and no name that Windows keeps for devices"
        )
    return name


def writable_folder() -> Path:
    """Return the first of `model_folders` that can be written, made if need be.

    Raises
    ------
    ModelError
        If there is none.
    """
    problems = []
    for folder in model_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError as error:
            problems.append(f"{folder} ({error.strerror})")
    raise ModelError(
        f"models cannot be kept in {' nor in '.join(problems)}; set {HOME_VARIABLE} to "
        "a folder that you may write"
    )


@contextmanager
def staged_folder(parent: Path) -> Iterator[Path]:
    """Make a folder beside the models that is gone in the end, unless moved.

    Whom it lets in is up to the user's umask: a shared folder is there to be shared.
    """
    folder = _staged_name(parent)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move_into_place(staged: Path, target: Path) -> None:
    """Give a complete folder its final name; what had the name before goes.

    Renaming is one step: the final name never stands for half a model.

    Raises
    ------
    OSError
        If it cannot be moved; then what had the name before has it again.
    """
    aside: list[Path] = []
    for left in reversed(range(TRIES)):
        aside += _freed(target)
        try:
            staged.rename(target)
            break
        except OSError as error:
            # Another process may have taken the name just now, and may have gone on.
            if not (left and error.errno in TAKEN and staged.exists()):
                _give_back(aside, target)
                _remove(aside)
                raise
    _remove(aside)


def _freed(target: Path) -> list[Path]:
    """Set aside what had a name: nothing, if there is none, or others were faster."""
    try:
        return [set_aside(target)] if os.path.lexists(target) else []
    except FileNotFoundError:
        return []


def _give_back(aside: list[Path], target: Path) -> None:
    """What had the name last has it again, unless somebody has it now."""
    if aside and not os.path.lexists(target):
        aside.pop().rename(target)


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def set_aside(folder: Path) -> Path:
    """Take the name of a model from it, in one step; it is listed no more."""
    return folder.rename(_staged_name(folder.parent))


def _staged_name(parent: Path) -> Path:
    return parent / f"{STAGED}{uuid.uuid4().hex}"
