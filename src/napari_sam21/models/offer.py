"""What one should know before a model is fetched, in lines for people."""

from __future__ import annotations

from html import escape

from napari_sam21.core.errors import ModelError
from napari_sam21.models.fetch import sources_of
from napari_sam21.models.library import state_of
from napari_sam21.models.table import MODELS

Lines = tuple[tuple[str, str], ...]
"""What there is to say, and about what; an empty key begins without one."""


def megabytes(count: int) -> str:
    """Return a number of bytes as people say it."""
    if count < 1_000_000:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:,.0f} MB"


def offer(name: str) -> Lines:
    """Return size, licence, data and sources of a model that can be fetched.

    Raises
    ------
    ModelError
        If it is none.
    """
    row = MODELS.get(name)
    if row is None or not row.sources:
        raise ModelError(
            f"{state_of(name).title!r} cannot be fetched; import its files again "
            "(napari-sam21 models import PATH --replace)"
        )
    lines = [
        ("", f"{row.title}: {row.card.summary}"),
        ("Licence of the weights", row.licence),
        ("Trained on", row.data),
    ]
    for source in sources_of(row):
        found = "one place" if source.witnesses == 1 else f"{source.witnesses} places"
        size = megabytes(source.size)
        lines.append((f"From {source.host}", f"{size}; digest found in {found}"))
    return tuple(lines)


def addresses(name: str) -> tuple[str, ...]:
    """Return the addresses and digests of a model's sources, in order."""
    sources = sources_of(MODELS[name])
    return tuple(f"{source.shown_url}\n  SHA-256 {source.sha256}" for source in sources)


def card(name: str) -> Lines:
    """Return what is known of a model: licence, data, limitations.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    state = state_of(name)
    row = MODELS.get(name)
    if row is None:
        return (
            ("", state.title),
            ("Licence of the weights", state.licence),
            ("Folder", str(state.folder)),
        )
    link = (("Card", row.card.url),) if row.card.url else ()
    return (("", f"{row.title}: {row.card.summary}"), *row.card.criteria, *link)


def as_text(lines: Lines) -> str:
    """Lay lines out as plain text."""
    return "\n".join(f"{key}: {value}" if key else value for key, value in lines)


def as_html(lines: Lines) -> str:
    """Lay lines out for a window; what they say is not taken for markup."""
    return "<br>".join(
        f"<b>{escape(key)}:</b> {escape(value)}" if key else f"{escape(value)}<br>"
        for key, value in lines
    )
