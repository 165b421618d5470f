"""The four sizes of SAM 2.1, and how the tensors of a checkpoint tell them apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from napari_sam21.core.errors import ModelError

PATCHES = "image_encoder.trunk.patch_embed.proj.weight"
"""The first layer: its number of filters is the width, and what stands before its
name is what a training framework put in front of all names."""

VIDEO_ONLY_21 = ("no_obj_embed_spatial", "obj_ptr_tpos_proj.weight")
"""Tensors that SAM 2.1 has and SAM 2.0 has not; both belong to the video part."""

IMAGE_PARTS = (
    "image_encoder.",
    "sam_prompt_encoder.",
    "sam_mask_decoder.",
    "no_mem_embed",
)
"""Beginnings of the names of what images need, and what is converted."""

VIDEO_PARTS = (
    "memory_attention.",
    "memory_encoder.",
    "maskmem_tpos_enc",
    "mask_downsample.",
    "no_mem_pos_enc",
    "no_obj_",
    "obj_ptr_",
)
"""Beginnings of the names of what only videos need: neither checked nor used."""

_BLOCK = re.compile(r"image_encoder\.trunk\.blocks\.(\d+)\.")

State = Mapping[str, Any]


@dataclass(frozen=True)
class Architecture:
    """One size of SAM 2.1.

    Attributes
    ----------
    name : str
        What `convert` takes.
    title : str
        What people read.
    config : str
        Name of its configuration in the ``sam2`` package.
    width, blocks : int
        Channels after the first layer, and number of blocks, of the Hiera trunk.
    published : str
        File name of Meta's own checkpoint.
    published_sha256 : str
        Its digest.
    """

    name: str
    title: str
    config: str
    width: int
    blocks: int
    published: str
    published_sha256: str


_ROWS = (
    Architecture(
        name="tiny",
        title="SAM 2.1 Hiera tiny",
        config="configs/sam2.1/sam2.1_hiera_t.yaml",
        width=96,
        blocks=12,
        published="sam2.1_hiera_tiny.pt",
        published_sha256=(
            "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69"
        ),
    ),
    Architecture(
        name="small",
        title="SAM 2.1 Hiera small",
        config="configs/sam2.1/sam2.1_hiera_s.yaml",
        width=96,
        blocks=16,
        published="sam2.1_hiera_small.pt",
        published_sha256=(
            "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38"
        ),
    ),
    Architecture(
        name="base-plus",
        title="SAM 2.1 Hiera base plus",
        config="configs/sam2.1/sam2.1_hiera_b+.yaml",
        width=112,
        blocks=24,
        published="sam2.1_hiera_base_plus.pt",
        published_sha256=(
            "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5"
        ),
    ),
    Architecture(
        name="large",
        title="SAM 2.1 Hiera large",
        config="configs/sam2.1/sam2.1_hiera_l.yaml",
        width=144,
        blocks=48,
        published="sam2.1_hiera_large.pt",
        published_sha256=(
            "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318"
        ),
    ),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {row.name: row for row in _ROWS}
)
"""Architectures by name; read-only."""


def named(name: str) -> Architecture:
    """Return an architecture of the table.

    Raises
    ------
    ModelError
        If there is none of that name.
    """
    if name not in ARCHITECTURES:
        raise ModelError(
            f"architecture {name!r} is unknown; pass one of "
            f"{', '.join(ARCHITECTURES)}, or leave it out to have it recognised"
        )
    return ARCHITECTURES[name]


def recognise(state: State, where: str) -> Architecture:
    """Tell the architecture from the shapes of a state.

    Parameters
    ----------
    state : mapping of str to anything with a ``shape``
        Tensors under sam2's own names.
    where : str
        What to call it in messages.

    Raises
    ------
    ModelError
        If the trunk is of none of the four sizes, or of SAM 2.0.
    """
    refuse_sam20(state, where)
    width, blocks = _measure(state)
    for row in _ROWS:
        if (row.width, row.blocks) == (width, blocks):
            return row
    known = ", ".join(f"{row.name} {row.width} × {row.blocks}" for row in _ROWS)
    raise ModelError(
        f"{where} has a trunk {width} channels wide with {blocks} blocks; SAM 2.1 has "
        f"{known} (channels × blocks). Only these four architectures can be converted"
    )


def check_told(told: Architecture, state: State, where: str) -> None:
    """Refuse an architecture that does not match the state's trunk.

    Raises
    ------
    ModelError
        Naming both.
    """
    found = recognise(state, where)
    if found != told:
        raise ModelError(
            f"{where} holds the {found.name} architecture, not {told.name}; pass "
            f"architecture {found.name!r}, or leave it out"
        )


def refuse_sam20(state: State, where: str) -> None:
    """Tell SAM 2.0 from 2.1 where the checkpoint holds the video part.

    The image parts of both have the same tensors, so a checkpoint without the video
    part is taken at its word.

    Raises
    ------
    ModelError
        If the state is of SAM 2.0.
    """
    has_video_part = any(name.startswith("memory_attention.") for name in state)
    if has_video_part and not any(name in state for name in VIDEO_ONLY_21):
        raise ModelError(
            f"{where} is a checkpoint of SAM 2.0: it lacks {VIDEO_ONLY_21[0]}. "
            "Only SAM 2.1 is converted; get the file of the same size whose name "
            "starts with sam2.1_"
        )


def published_as(digest: str) -> str | None:
    """Return the name of Meta's file of this SHA-256, or None."""
    return next((r.published for r in _ROWS if r.published_sha256 == digest), None)


def _measure(state: State) -> tuple[int, int]:
    """Width and number of blocks of the trunk."""
    numbers = {int(found[1]) for name in state if (found := _BLOCK.match(name))}
    return int(state[PATCHES].shape[0]), len(numbers)
