"""The house: which room loads what, in a fresh interpreter and in the source itself."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import napari_sam21 as sam

PACKAGE = Path(sam.__file__).parent
NAME = "napari_sam21"
FILES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path.name != "_version.py"
)
QT = (
    "qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "superqt", "magicgui",
    "napari.qt", "napari._qt",
)  # fmt: skip
UPSTAIRS = tuple(
    f"{NAME}.{room}" for room in ("_qt", "controller", "control", "cli", "demo")
)
HEAVY = ("numpy", "onnxruntime", "skimage", "scipy", "PIL", "pooch", "typer", "rich")

FORBIDDEN = {
    "core": (
        *QT, "napari", f"{NAME}.layers", f"{NAME}.annotation", f"{NAME}.inference",
        f"{NAME}.models", *UPSTAIRS,
    ),
    "models": (
        *QT, "napari", f"{NAME}.layers", f"{NAME}.annotation", f"{NAME}.inference",
        *UPSTAIRS,
    ),
    "files": (
        *QT, "napari", f"{NAME}.layers", f"{NAME}.annotation", f"{NAME}.inference",
        f"{NAME}.models", *UPSTAIRS,
    ),
    "annotation.py": (*QT, "napari", f"{NAME}.layers", f"{NAME}.models", *UPSTAIRS),
    "inference.py": (*QT, "napari", f"{NAME}.layers", *UPSTAIRS),
    "shelf.py": (*QT, "napari", f"{NAME}.layers", *UPSTAIRS),
    "layers": (*QT, f"{NAME}.annotation", f"{NAME}.models", *UPSTAIRS),
    "session": (
        *QT, "napari", f"{NAME}.layers", f"{NAME}.annotation", f"{NAME}.inference",
        f"{NAME}.models", f"{NAME}.files", *UPSTAIRS,
    ),
    "control": (*QT, f"{NAME}._qt", f"{NAME}.controller", f"{NAME}.cli"),
    "controller.py": (*QT, f"{NAME}._qt"),
}  # fmt: skip
"""What each room may not import when it runs."""


NEEDS_TORCH = Path("models", "convert", "network.py")
"""The one module that is imported only where torch and sam2 are installed."""


def modules(room: str) -> list[str]:
    """Dotted names of the modules of a folder that can be imported anywhere."""
    found = [f for f in FILES if f.parts[0] == room and f != NEEDS_TORCH]
    assert found
    return [dotted(file) for file in found]


def dotted(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join((NAME, *parts)).removesuffix(".__init__")


def loaded_by(*names: str) -> set[str]:
    """Names of all modules that a fresh interpreter holds after some imports."""
    code = f"import sys, {', '.join(names)}; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def under(prefix: str, names: set[str]) -> set[str]:
    return {name for name in names if name == prefix or name.startswith(prefix + ".")}


def found_under(prefixes: tuple[str, ...], names: set[str]) -> set[str]:
    return set().union(*(under(prefix, names) for prefix in prefixes))


# --- in a fresh interpreter ------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        modules("core"),
        modules("models"),
        modules("files"),
        modules("session"),
        [f"{NAME}.annotation"],
        [f"{NAME}.inference"],
    ],
    ids=["core", "models", "files", "session", "annotation", "inference"],
)
def test_the_engine_loads_neither_napari_nor_qt(names: list[str]) -> None:
    loaded = loaded_by(*names)
    assert set(names) <= loaded
    assert not found_under(("napari", *QT), loaded)


def test_layers_load_no_qt() -> None:
    assert not found_under(QT, loaded_by(*modules("layers")))


def test_the_controller_loads_no_qt() -> None:
    assert not found_under(QT, loaded_by(f"{NAME}.controller"))


def test_the_package_alone_costs_nothing() -> None:
    loaded = loaded_by(NAME)
    assert not found_under((*HEAVY, "napari", *QT), loaded)
    assert {name for name in loaded if name.startswith(NAME)} == {NAME}


def test_onnxruntime_waits_until_a_model_is_loaded() -> None:
    loaded = loaded_by(*modules("core"), *modules("models"))
    assert not found_under(("onnxruntime", "skimage", "scipy"), loaded)


def test_libraries_of_formats_wait_until_a_file_is_opened_or_saved() -> None:
    loaded = loaded_by(*modules("files"))
    libraries = ("tifffile", "zarr", "roifile", "PIL", "skimage", "scipy", "dask")
    assert not found_under(libraries, loaded)


# --- in the source ---------------------------------------------------------------


def imports(file: Path) -> Iterator[str]:
    """What a file imports when it runs, at its top or in a function."""
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", FORBIDDEN)
def test_imports_point_down(room: str) -> None:
    found = {
        f"{file} imports {name}"
        for file in FILES
        if file.parts[0] == room
        for name in found_under(FORBIDDEN[room], set(imports(file)))
    }
    assert not found


def test_only_one_folder_imports_qt() -> None:
    found = {
        f"{file} imports {name}"
        for file in FILES
        if file.parts[0] != "_qt"
        for name in found_under(QT, set(imports(file)))
    }
    assert not found


def test_no_import_goes_round_in_a_circle() -> None:
    """A module comes after all that it imports, or `static_order` raises."""
    known = {dotted(file) for file in FILES} - {NAME}
    graph = {
        dotted(file): {
            found
            for name in imports(file)
            for found in (name, name.rpartition(".")[0])
            if found in known
        }
        for file in FILES
    }
    assert set(TopologicalSorter(graph).static_order()) >= known


def test_napari_is_used_by_its_public_names() -> None:
    private = {
        f"{file} imports {name}"
        for file in FILES
        for name in under("napari", set(imports(file)))
        if any(part.startswith("_") for part in name.split("."))
    }
    assert not private


# --- the public names ------------------------------------------------------------


@pytest.mark.parametrize("name", sam.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sam, name) is not None
    assert name in dir(sam)


@pytest.mark.parametrize(
    "name", ["MODELS", "load_model", "Prompts", "mask_to_logits", "__version__"]
)
def test_the_names_of_the_design_are_public(name: str) -> None:
    assert name in sam.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sam.nothing


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("load_model", {"providers": ("CPUExecutionProvider",)}),
        ("Model.encode", {"contrast_limits": None, "gamma": 1.0, "region": None}),
        ("Model.decode", {"previous": None}),
        ("Model.decode_many", {"previous": None}),
        ("Prompts", {"points_rc": (), "point_labels": (), "box_rc": None}),
        ("Answer.mask", {"index": None}),
        ("Answer.crop", {"index": None}),
    ],
)
def test_defaults_are_those_of_the_design(
    name: str, parameters: dict[str, object]
) -> None:
    first, *rest = name.split(".")
    called = getattr(sam, first)
    for each in rest:
        called = getattr(called, each)
    found = inspect.signature(called).parameters
    assert {key: found[key].default for key in parameters} == parameters


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Embedding", ["features", "region", "shape", "key", "model_id"]),
        ("Answer", ["scores", "logits", "region", "shape", "key", "index"]),
        ("Prompts", ["points_rc", "point_labels", "box_rc"]),
    ],
)
def test_values_are_frozen_and_have_the_fields_of_the_design(
    kind: str, fields: list[str]
) -> None:
    found = getattr(sam, kind)
    assert list(found.__dataclass_fields__) == fields
    assert found.__dataclass_params__.frozen
