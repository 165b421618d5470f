"""A publisher on 127.0.0.1, and a row of the table that leads to him."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from napari_sam21.models import table
from napari_sam21.models.record import digest_of

READERS = ("fetch", "imports", "library", "offer")
"""Modules that look models up."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; gives the address."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def packed(model: Path, path: Path) -> Path:
    """Pack a model as darktable publishes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("encoder", "decoder"):
            archive.write(model / f"{part}.onnx", f"{path.stem}/{part}.onnx")
    return path


def row_for(archive: Path, address: str, name: str = "published") -> table.ModelRow:
    """A row of the table whose one source is an archive at an address."""
    source = table.Source(
        url=address + archive.name,
        sha256=digest_of(archive),
        size=archive.stat().st_size,
        contract="card",
    )
    card = table.Card("A tiny model.", (("Model licence", "CC0-1.0"),))
    return table.ModelRow(name, "Published", "CC0-1.0", "discs", card, (source,))


def put_into_table(
    row: table.ModelRow, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, table.ModelRow]:
    """Let everything that looks models up find one more."""
    rows = MappingProxyType({**table.MODELS, row.name: row})
    for module in READERS:
        monkeypatch.setattr(f"napari_sam21.models.{module}.MODELS", rows)
    return rows
