"""Bars that a newcomer understands, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT = 760, 250, 90
ROW, BAR, TOP = 30, 16, 44
OURS, OTHERS, FLOOR, INK, SOFT = "#0072b2", "#9aa5b1", "#d8dee4", "#1f2933", "#52606d"
"""Blue against grey: told apart by every kind of colour vision, and in print."""


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its value with quartiles, and its colour."""

    name: str
    value: float
    q1: float
    q3: float
    color: str = OTHERS


def chart(title: str, subtitle: str, bars: Sequence[Bar]) -> str:
    """Return an SVG of horizontal bars of milliseconds; shorter is better."""
    height = TOP + 20 + ROW * len(bars) + 12
    scale = (WIDTH - LEFT - RIGHT) / max(bar.q3 for bar in bars)
    rows = "".join(_row(n, bar, scale) for n, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="13" role="img" '
        f'aria-label="{escape(title)}">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
        + _text(16, 26, title, INK, size=17, weight="bold")
        + _text(16, 46, subtitle, SOFT)
        + rows
        + "</svg>\n"
    )


def _row(number: int, bar: Bar, scale: float) -> str:
    y = TOP + 20 + ROW * number
    middle, end = y + BAR / 2, LEFT + bar.value * scale
    low, high = LEFT + bar.q1 * scale, LEFT + bar.q3 * scale
    weight = "bold" if bar.color == OURS else "normal"
    return (
        _text(LEFT - 10, middle + 4.5, bar.name, INK, anchor="end", weight=weight)
        + f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}" '
        f'fill="{bar.color}"/>'
        f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{INK}" stroke-width="1.5"/>'
        + _text(max(end, high) + 8, middle + 4.5, in_words(bar.value), INK)
    )


def _text(
    x: float,
    y: float,
    words: str,
    color: str,
    anchor: str = "start",
    size: int = 13,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}" '
        f'font-size="{size}" font-weight="{weight}">{escape(words)}</text>'
    )


def in_words(milliseconds: float) -> str:
    """Write a time as people say it."""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.0f} ms"
