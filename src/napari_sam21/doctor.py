"""What is installed, where the models are, and whether a click gives a mask."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from napari_sam21 import demo, desktop
from napari_sam21.core.errors import Sam21Error
from napari_sam21.models.archive import find_files
from napari_sam21.models.table import MODELS
from napari_sam21.models.weights import model_path

PACKAGES = ("napari-sam21", "napari", "npe2", "onnxruntime", "numpy", "scikit-image")
GOOD_IOU = 0.5
"""The self-test's mean IoU below which something is wrong with model or runtime."""


@dataclass(frozen=True)
class ModelState:
    """Whether a model of the table can be loaded now, and what to do if not."""

    name: str
    ready: bool
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
    models: list[ModelState]
    self_test: SelfTest

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def examine() -> Report:
    """Look at this installation. Neither napari nor Qt is imported."""
    import onnxruntime

    installed = {name: _version(name) for name in PACKAGES}
    return Report(
        system={"Python": platform.python_version(), "platform": platform.platform()},
        packages={name: found or "missing" for name, found in installed.items()},
        qt=desktop.qt_bindings(),
        providers=list(onnxruntime.get_available_providers()),
        models=[model_state(name) for name in MODELS],
        self_test=self_test(),
    )


def model_state(name: str) -> ModelState:
    """Tell whether a model's files are here, without loading them."""
    try:
        folder = model_path(name)
        find_files(folder)
    except Sam21Error as error:
        return ModelState(name, False, str(error))
    return ModelState(name, True, str(folder))


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
