"""Which other files an ONNX file refers to: weights may lie outside of it.

onnxruntime would open what such a reference names, so it is looked at before. The
messages below are the part of the ONNX format that leads to tensors; the numbers are
those of onnx.proto3 (https://github.com/onnx/onnx).
"""

from __future__ import annotations

import mmap
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from napari_sam21.core.errors import ModelError

REPEATED = True
FIELDS: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "Entry": (("key", 1, "", not REPEATED), ("value", 2, "", not REPEATED)),
    "Tensor": (("external_data", 13, "Entry", REPEATED),),
    "Sparse": (
        ("values", 1, "Tensor", not REPEATED),
        ("indices", 2, "Tensor", not REPEATED),
    ),
    "Attribute": (
        ("t", 5, "Tensor", not REPEATED),
        ("g", 6, "Graph", not REPEATED),
        ("tensors", 10, "Tensor", REPEATED),
        ("graphs", 11, "Graph", REPEATED),
        ("sparse_tensor", 22, "Sparse", not REPEATED),
        ("sparse_tensors", 23, "Sparse", REPEATED),
    ),
    "Node": (("attribute", 5, "Attribute", REPEATED),),
    "Graph": (
        ("node", 1, "Node", REPEATED),
        ("initializer", 5, "Tensor", REPEATED),
        ("sparse_initializer", 15, "Sparse", REPEATED),
    ),
    "Function": (
        ("node", 7, "Node", REPEATED),
        ("attribute_proto", 11, "Attribute", REPEATED),
    ),
    "Training": (
        ("initialization", 1, "Graph", not REPEATED),
        ("algorithm", 2, "Graph", not REPEATED),
    ),
    "Model": (
        ("graph", 7, "Graph", not REPEATED),
        ("training_info", 20, "Training", REPEATED),
        ("functions", 25, "Function", REPEATED),
    ),
}
"""Fields of each message: name, number, message type (none: text), if repeated."""

KEY = b"location"
"""Every reference holds this key; a file without these bytes refers to no other."""


def external_files(source: Path | bytes, where: str) -> tuple[str, ...]:
    """Return the names of the files that an ONNX file refers to, as they stand in it.

    Raises
    ------
    ModelError
        If the file is damaged, or cannot be read.
    """
    from google.protobuf.message import DecodeError

    if not _mentions(source, where):
        return ()
    content = source if isinstance(source, bytes) else source.read_bytes()
    model = _model_message()()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ModelError(
            f"{where} is not an ONNX model or is damaged ({error}); fetch or import "
            "the model again"
        ) from error
    return tuple(sorted(set(_locations(model))))


def references(
    source: Path | bytes, where: str, has: Callable[[str], bool]
) -> tuple[str, ...]:
    """Return the files that an ONNX file refers to, none of them outside its folder.

    Parameters
    ----------
    source : Path or bytes
    where : str
        What to call it in messages.
    has : callable
        Whether there is a plain file of a name beside it.

    Raises
    ------
    ModelError
        If a reference is no plain name, or names no file of the folder.
    """
    names = external_files(source, where)
    for name in names:
        if not is_plain(name):
            raise ModelError(
                f"{where} keeps weights in {name!r}, outside of its folder; expected "
                "a file beside it. Do not use this model, or export it again"
            )
        if not has(name):
            raise ModelError(
                f"{where} keeps weights in {name!r}, which is not beside it as a plain "
                "file; bring that file along, too, or import the model from the "
                "archive or folder that holds both"
            )
    return names


def is_file_beside(path: Path, name: str) -> bool:
    """Whether a plain file of that name lies beside another; a link is none."""
    return is_there(path.with_name(name))


def is_there(path: Path) -> bool:
    """Whether a path is a plain file, and no link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):  # too long, or of signs that no file name has
        return False


def is_plain(name: str) -> bool:
    """Whether a name can only mean a file of the same folder, on any system."""
    return name not in ("", ".", "..") and all(
        kind(name).name == name for kind in (PurePosixPath, PureWindowsPath)
    )


def _mentions(source: Path | bytes, where: str) -> bool:
    if isinstance(source, bytes):
        return KEY in source
    try:
        with (
            source.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            return content.find(KEY) >= 0
    except ValueError:  # an empty file has nothing to map
        return False
    except OSError as error:
        raise ModelError(f"{where} cannot be read ({error.strerror})") from error


def _locations(message: Any) -> Iterator[str]:
    """Every ``location`` of a message and what it holds."""
    for field, value in message.ListFields():
        if field.name == "external_data":
            for entry in value:
                if entry.key == KEY:
                    yield entry.value.decode("utf-8", "replace")
        elif field.message_type is not None:
            parts = value if _is_repeated(value) else (value,)
            for part in parts:
                yield from _locations(part)


def _is_repeated(value: Any) -> bool:
    return hasattr(value, "add")


@cache
def _model_message() -> Any:
    """Class of a message that knows the fields above; the rest it carries unread."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="napari_sam21.proto", package="napari_sam21", syntax="proto2"
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            described.field.add(
                name=name,
                number=number,
                label=kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL,
                type=kinds.TYPE_MESSAGE if kind else kinds.TYPE_BYTES,
                type_name=f".napari_sam21.{kind}" if kind else None,
            )
    pool = descriptor_pool.DescriptorPool()  # our own: "onnx" may be loaded, too
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("napari_sam21.Model")
    )
