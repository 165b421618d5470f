"""The levels of labels that are too large for one texture of the graphics card.

Pixel (i, j) of a level with factor f is pixel (f i, f j) of level 0: napari draws it
there, and what is saved follows the same rule. Labels are never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence

TEXTURE_LIMIT = 16_384
"""Longest side of a plane that is shown as it is; napari halves longer ones.

GL_MAX_TEXTURE_SIZE of most cards and of software GL. napari has no public name for it,
and asking the card takes a canvas, which a notebook may not have.
"""

COARSEST = 2048
"""Levels are added until one has no longer side than this."""

Shape = tuple[int, ...]


def needs_levels(shape: Sequence[int]) -> bool:
    """Whether a plane of an array of this shape is larger than a texture."""
    return max(shape) > TEXTURE_LIMIT


def level_shapes(shape: Sequence[int]) -> tuple[Shape, ...]:
    """Return the shapes of all levels, the finest first.

    The two longest axes are halved together: any plane that is too large has one.

    Parameters
    ----------
    shape : sequence of int
        Of level 0.
    """
    full = tuple(int(size) for size in shape)
    longest = sorted(range(len(full)), key=lambda axis: full[axis])[-2:]
    found, factor = [full], 1
    while max(found[-1][axis] for axis in longest) > COARSEST:
        factor *= 2
        found.append(
            tuple(
                -(-size // factor) if axis in longest else size
                for axis, size in enumerate(full)
            )
        )
    return tuple(found)


def factors_between(full: Sequence[int], coarse: Sequence[int]) -> Shape | None:
    """Return by how much each axis of a level is coarser than level 0.

    Parameters
    ----------
    full, coarse : sequence of int
        Shapes of level 0 and of the level.

    Returns
    -------
    tuple of int or None
        None if a level of this shape does not take every f-th pixel, for any f.
    """
    if len(full) != len(coarse):
        return None
    found = [_factor(size, less) for size, less in zip(full, coarse, strict=True)]
    known = tuple(factor for factor in found if factor is not None)
    return known if len(known) == len(found) else None


def _factor(size: int, less: int) -> int | None:
    """Powers of two first: short axes leave several to choose from."""
    if not 0 < less <= size:
        return None
    ratio = size / less
    power = 1 << max(round(ratio) - 1, 0).bit_length()
    for factor in (power, power // 2, -(-size // less), round(ratio)):
        if factor and less == -(-size // factor):
            return factor
    # Others drop a last pixel that is not followed by enough more.
    for factor in (power, power // 2, size // less):
        if factor and less == size // factor:
            return factor
    return None
