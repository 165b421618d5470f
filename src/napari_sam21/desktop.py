"""Whether a window could open here, and somebody would see it. Imports no Qt."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def has_display() -> bool:
    """Whether a window could open: always on macOS and Windows."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def has_terminal() -> bool:
    """Whether somebody is there: standard input and output are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def qt_bindings() -> dict[str, str]:
    """Return the Qt bindings that can be imported, with versions; imports none."""
    return {name: _version(name) for name in QT_BINDINGS if find_spec(name)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # conda names some packages otherwise
        return "of unknown version"
