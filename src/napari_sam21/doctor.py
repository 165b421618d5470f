"""What is installed, where the models are, and whether a click gives a mask."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from napari_sam21 import demo, desktop
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.providers.plugins import found_plugins, plugin_version
from napari_sam21.core.providers.sessions import available
from napari_sam21.core.providers.way import WORDS
from napari_sam21.models import home, keeping
from napari_sam21.models.choosing.choose import anything_to_try
from napari_sam21.models.choosing.pick import pick
from napari_sam21.models.choosing.wish import wished
from napari_sam21.models.last import last_model
from napari_sam21.models.library import ModelState, states
from napari_sam21.models.offer import megabytes
from napari_sam21.models.weights import model_parts

PACKAGES = ("napari-sam21", "napari", "npe2", "onnxruntime", "numpy", "scikit-image")
GOOD_IOU = 0.5
"""The self-test's mean IoU below which something is wrong with model or runtime."""


@dataclass(frozen=True)
class Found:
    """A model, its state, and where it is, what ails it, or how to come by it."""

    name: str
    state: str
    where: str


@dataclass(frozen=True)
class SelfTest:
    """Outcome of a few clicks on a bundled image."""

    passed: bool
    message: str


@dataclass(frozen=True)
class Report:
    """Everything that helps to find out why something does not work."""

    system: dict[str, str]
    packages: dict[str, str]
    qt: dict[str, str]
    providers: list[str]
    plugins: dict[str, str]
    runs_on: str
    places: dict[str, str]
    models: list[Found]
    self_test: SelfTest

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def examine() -> Report:
    """Look at this installation. Neither napari nor Qt is imported."""
    installed = {name: _version(name) for name in PACKAGES}
    return Report(
        system={"Python": platform.python_version(), "platform": platform.platform()},
        packages={name: found or "missing" for name, found in installed.items()},
        qt=desktop.qt_bindings(),
        providers=available(),
        plugins=plugins(),
        runs_on=runs_on(),
        places=places(),
        models=[_found(state) for state in states()],
        self_test=self_test(),
    )


def plugins() -> dict[str, str]:
    """Return the plugins of onnxruntime that are installed; none is loaded."""
    return {name: plugin_version(name) for name in found_plugins()}


def runs_on() -> str:
    """Say how the model used last is run, and what was set aside; nothing is tried."""
    name, wish = last_model(), wished()
    try:
        findings = model_parts(name).memory.recall()
    except Sam21Error as error:
        return str(error)
    said = [f"{name}: {pick(findings, wish)}"]
    if not wish.automatic:
        said.append(f"wished: {wish.runs_on}, {WORDS[wish.precision]}")
    if not findings.complete and anything_to_try():
        said.append("not all is tried yet: napari-sam21 bench")
    return "; ".join([*said, *(f"set aside: {each}" for each in findings.set_aside())])


def places() -> dict[str, str]:
    """Tell where models are looked for and embeddings kept, and of a mirror."""
    mirror = os.environ.get(home.MIRROR_VARIABLE, "")
    folders = ", ".join(str(folder) for folder in home.model_folders())
    found = {"models in": folders, "embeddings in": _embeddings()}
    found["sessions in"] = str(home.sessions_folder() or "nowhere: switched off")
    return found | ({"mirror": mirror} if mirror else {})


def _embeddings() -> str:
    """The folder of embeddings, and how full it is."""
    store = keeping.disk_store() or DiskStore(keeping.embeddings_folder())
    held = megabytes(store.nbytes)
    if not keeping.embeddings_wanted():
        off = f"{home.CACHE_VARIABLE}={home.OFF}"
        why = off if keeping.environment() else "switched off in the dock"
        return f"memory only ({why}); {held} in {store.folder}"
    return f"{store.folder} ({held} of at most {megabytes(store.budget)})"


def _found(state: ModelState) -> Found:
    where = state.problem or str(state.folder or f"napari-sam21 setup {state.name}")
    return Found(state.name, state.state, where)


def self_test() -> SelfTest:
    """Click a few cells with the embedded model and judge the masks."""
    try:
        result = demo.run()
    except Sam21Error as error:
        return SelfTest(False, str(error))
    message = (
        f"{len(result.found)} clicks, mean IoU {result.mean_iou:.2f}, encode "
        f"{result.encode_seconds:.2f} s, decode {result.decode_seconds * 1e3:.0f} ms"
    )
    return SelfTest(result.mean_iou >= GOOD_IOU, message)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
