"""What a publisher says himself about the digest of a model."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from napari_sam21.core.runtime import Cancellation
from napari_sam21.models.stream import SourceError, streamed
from napari_sam21.models.table import Source

DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)
LIMIT = 1 << 20  # bytes of a list that is worth reading
SECONDS = 8.0  # for all of it


def explain(source: Source, found: str, cancel: Cancellation) -> str:
    """Say whose fault it is that another file came than was expected.

    Parameters
    ----------
    source : Source
    found : str
        SHA-256 of what came, hexadecimal.
    cancel : Cancellation

    Returns
    -------
    str
        For people. The publisher's list is asked for, if there is one.
    """
    expected = (
        f"it sent a file with SHA-256 {found}, expected {source.sha256} (found in "
        f"{source.witnesses} independent place{'s' if source.witnesses > 1 else ''})"
    )
    if source.versions_url is None:
        return expected
    stem = source.file_name.rpartition(".")[0]
    published = published_digest(source.versions_url, stem, cancel)
    if published is None:
        verdict = (
            f"{source.versions_url} does not tell which is right: it cannot be read, "
            f"or lists no {stem}"
        )
    elif published == found.lower():
        verdict = (
            f"{source.versions_url} lists the file that came: the publisher has "
            "replaced it, and a later napari-sam21 may know it. To use it at your own "
            "judgement, download it yourself and import it"
        )
    elif published == source.sha256:
        verdict = (
            f"{source.versions_url} lists the expected one: what came was damaged or "
            "changed on its way"
        )
    else:
        verdict = f"{source.versions_url} lists a third one, {published}"
    return f"{expected}; {verdict}"


def published_digest(url: str, name: str, cancel: Cancellation) -> str | None:
    """Return the digest that a list in JSON gives for a model, or None.

    Parameters
    ----------
    url : str
        The list; it names models by key or by value, and digests ``sha256:<hex>``.
    name : str
        The model, as the publisher names it.
    cancel : Cancellation
    """
    try:
        found = json.loads(_content(url, cancel))
    except (SourceError, ValueError, RecursionError):
        return None
    return next(_digests(found, name), None)


def _content(url: str, cancel: Cancellation) -> bytes:
    end = time.monotonic() + SECONDS
    content = b""
    with streamed(url, cancel) as stream:
        if stream.head().status_code != 200:
            raise SourceError("no list came")
        for chunk in stream.chunks():
            content += chunk
            if len(content) > LIMIT or time.monotonic() > end:
                raise SourceError("the list has no end")
    return content


def _digests(found: Any, name: str) -> Iterator[str]:
    """Every digest that stands under, or beside, a name."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == name or name in found.values():
                yield from _all_digests(value)
            else:
                yield from _digests(value, name)
    elif isinstance(found, list):
        for each in found:
            yield from _digests(each, name)


def _all_digests(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield from (match[1].lower() for match in DIGEST.finditer(found))
    elif isinstance(found, dict):
        for each in found.values():
            yield from _all_digests(each)
    elif isinstance(found, list):
        for each in found:
            yield from _all_digests(each)
