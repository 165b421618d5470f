"""What a publisher says himself about the digest of a model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from napari_sam21.models.download import CONNECT_SECONDS, HEADERS
from napari_sam21.models.table import Source

DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)
LIMIT = 1 << 20  # bytes of a list that is worth reading


def explain(source: Source, found: str) -> str:
    """Say whose fault it is that another file came than was expected.

    Parameters
    ----------
    source : Source
    found : str
        SHA-256 of what came, hexadecimal.

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
    published = published_digest(source.versions_url, stem)
    if published is None:
        verdict = f"{source.versions_url} could not be read to find out which is right"
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


def published_digest(url: str, name: str) -> str | None:
    """Return the digest that a list in JSON gives for a model, or None.

    Parameters
    ----------
    url : str
        The list; it names models by key or by value, and digests ``sha256:<hex>``.
    name : str
        The model, as the publisher names it.
    """
    import requests

    times = (CONNECT_SECONDS, CONNECT_SECONDS)
    try:
        with requests.get(url, headers=HEADERS, timeout=times, stream=True) as response:
            response.raise_for_status()
            text = next(response.iter_content(LIMIT), b"")
        found = json.loads(text)
    except (requests.RequestException, ValueError):
        return None
    return next(iter(_digests(found, name)), None)


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
