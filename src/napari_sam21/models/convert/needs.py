"""Whether what a conversion needs is installed, and what to do if not."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from napari_sam21 import __version__
from napari_sam21.core.errors import ModelError

EXTRA = ("torch", "onnx", "onnxscript", "onnx_ir", "hydra", "iopath", "tqdm")
"""Modules that the extra ``convert`` brings."""

RECIPE = (
    'pip install "napari-sam21[convert]"',
    "SAM2_BUILD_CUDA=0 pip install --no-deps --no-build-isolation sam2==1.1.0",
)
"""Two steps: sam2 imports torch while it is built, so torch must be there before."""

DISTRIBUTIONS = {
    "torch": ("torch",),
    "sam2": ("sam2", "SAM-2"),
    "onnx": ("onnx",),
    "onnxscript": ("onnxscript",),
    "onnxruntime": ("onnxruntime",),
}
"""Packages whose versions are written down, by the names they may be installed as."""


def require() -> None:
    """Raise unless everything is installed.

    Raises
    ------
    ModelError
        Naming what is missing, and the commands that install it.
    """
    missing = [name for name in (*EXTRA, "sam2") if find_spec(name) is None]
    if not missing:
        return
    steps = RECIPE[1:] if missing == ["sam2"] else RECIPE
    raise ModelError(
        f"conversion needs packages that are not installed: {', '.join(missing)}. "
        "Annotating does not need them, so an environment of its own is best. In it:\n"
        + "\n".join(f"    {step}" for step in steps)
        + "\n(on Windows: set SAM2_BUILD_CUDA=0 as a line of its own)"
    )


def versions() -> dict[str, str]:
    """Return the versions that take part, by name; "unknown" where there is none."""
    found = {name: _version(names) for name, names in DISTRIBUTIONS.items()}
    return {"napari-sam21": __version__, **found}


def _version(names: tuple[str, ...]) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
