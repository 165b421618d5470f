"""The table of models that can be had: what each one is, and where it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

DARKTABLE = (
    "https://github.com/darktable-org/darktable-ai/releases/download/release-5.6.0/"
)
HUGGING_FACE = (
    "https://huggingface.co/vietanhdev/segment-anything-2.1-onnx-models/resolve/"
    "6a3ac868340a3196a349050a6efae22a5acc0330/"
)
META = "https://dl.fbaipublicfiles.com/segment_anything_2/092824/"


@dataclass(frozen=True)
class Source:
    """One place that a model can be fetched from.

    Two sources of a model hold other bytes, and may keep another contract.

    Attributes
    ----------
    url : str
        A ``.dtmodel`` or ``.zip`` archive.
    sha256 : str
        Digest of the archive, hexadecimal.
    size : int
        Bytes; about as many if the publisher does not say.
    contract : str
        ``"card"``: masks, iou_predictions, low_res_masks; ``"two-output"``: masks of
        256 x 256 and iou_predictions. What arrives is looked at, and must keep either.
    witnesses : int
        In how many independent places the digest was found. One is little: then
        the publisher is asked if other bytes arrive.
    versions_url : str or None
        Where the publisher lists the digests of his files himself.
    files : mapping of str to str
        Digests of files in the archive, by the name's end, where known.
    """

    url: str
    sha256: str
    size: int
    contract: str
    witnesses: int = 1
    versions_url: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Name of the archive."""
        return self.url.rpartition("/")[2]

    @property
    def host(self) -> str:
        """Who is asked, for people."""
        return self.shown_url.partition("://")[2].partition("/")[0]

    @property
    def shown_url(self) -> str:
        """The address without the password that one's mirror may have in it."""
        return re.sub(r"(?<=://)[^/]*@", "", self.url)


@dataclass(frozen=True)
class Card:
    """What one should know before using a model, as the model card tells it.

    Attributes
    ----------
    summary : str
        One or two sentences.
    criteria : tuple of (str, str)
        Selection criteria: property and value.
    url : str
        Where the card, or the source, is.
    """

    summary: str
    criteria: tuple[tuple[str, str], ...] = ()
    url: str = ""


@dataclass(frozen=True)
class ModelRow:
    """One model.

    Attributes
    ----------
    name : str
        What `load_model` and `fetch_model` take.
    title : str
        What people read in the model list.
    licence : str
        SPDX identifier of the weights.
    data : str
        What it was trained on.
    card : Card
    sources : tuple of Source
        In order of preference; none for the embedded model.
    checkpoint : str or None
        Where the weights are that `convert` turns into the two files.
    folder : str or None
        Folder inside the package, for a model that comes with it.
    """

    name: str
    title: str
    licence: str
    data: str
    card: Card
    sources: tuple[Source, ...] = ()
    checkpoint: str | None = None
    folder: str | None = None

    @property
    def size(self) -> int:
        """Bytes to fetch from the preferred source; 0 if there is nothing to fetch."""
        return self.sources[0].size if self.sources else 0


SAM_DATA = (
    "SA-1B (11 million licensed photographs, research-only licence) and SA-V "
    "(50.9 thousand videos, CC BY 4.0), Meta"
)
SAM_CRITERIA = (
    ("Model licence", "Apache-2.0"),
    ("OSAID v1.0", "open weights"),
    ("MOF", "class II (open tooling)"),
    ("Training data licence", "SA-V: CC BY 4.0; SA-1B: Meta's own, for research only"),
    ("Training data provenance", "SA-V: 50.9 K videos; SA-1B: 11 M stock photographs"),
    ("Training code", "Apache-2.0, https://github.com/facebookresearch/sam2"),
    (
        "Known limitations",
        "SA-1B comes from a stock provider that is not named, under a licence that is "
        "not an open one: it forbids commercial use and redistribution, and asks for "
        "the data to be destroyed within three months. No micrographs were trained "
        "on: on cells, fine-tuned weights do better",
    ),
    ("Published research", "SAM 2 (2024), https://arxiv.org/abs/2408.00714"),
    ("Inference", "local only, no cloud"),
    ("Scope", "interactive segmentation of objects"),
    ("Reproducibility", "the full pipeline: setup, convert, clean, demo"),
)
"""Selection criteria of the card ``mask-object-sam21-tiny``; the last sentence of
the limitations is ours."""

CARD_FOLDER = "https://github.com/darktable-org/darktable-ai/tree/main/models/"


def _sam_row(
    size: str, title: str, checkpoint: str, *sources: Source, summary: str
) -> ModelRow:
    """Return the row of a SAM 2.1 model: they differ in size only."""
    return ModelRow(
        name=f"sam2.1-{size}",
        title=title,
        licence="Apache-2.0",
        data=SAM_DATA,
        card=Card(summary, SAM_CRITERIA, f"{CARD_FOLDER}mask-object-sam21-{size}"),
        sources=sources,
        checkpoint=META + checkpoint,
    )


def _darktable(file: str, sha256: str, size: int, witnesses: int = 1) -> Source:
    return Source(
        url=DARKTABLE + file,
        sha256=sha256,
        size=size,
        contract="two-output",
        witnesses=witnesses,
        versions_url=DARKTABLE + "versions.json",
    )


_ROWS = (
    ModelRow(
        name="starter",
        title="Starter (not SAM)",
        licence="BSD-3-Clause",
        data=(
            "BBBC038v1 stage 1 training images, Broad Institute, CC0 1.0, and scenes "
            "that the project draws"
        ),
        card=Card(
            "A small network of this project, trained from scratch on nuclei. It has "
            "the tensors of SAM 2.1 but is not SAM.",
            (
                ("Model licence", "BSD-3-Clause"),
                ("Training data licence", "CC0 1.0"),
                ("Training data provenance", "BBBC038v1, 2018 Data Science Bowl"),
                ("Known limitations", "knows nuclei and cells like blobs, little else"),
                ("Inference", "local only, no cloud"),
            ),
        ),
        folder="starter",
    ),
    _sam_row(
        "tiny",
        "SAM 2.1 tiny",
        "sam2.1_hiera_tiny.pt",
        _darktable(
            "mask-object-sam21-tiny.dtmodel",
            "1e0887434f2c5a452ae5c37c543656d5ad3c478f35d0497baeb7f3e039e42c91",
            137_000_000,
        ),
        Source(
            url=HUGGING_FACE + "sam2.1_hiera_tiny_20260221.zip",
            sha256="c602cb3f6fd297312a415f885f0df3f0eef9fbb334b069c9d30e828f2ae7c69a",
            size=116_507_723,
            contract="two-output",
            witnesses=2,
            files={
                "encoder.onnx": (
                    "667384d1e686de6828b841ac8a24db0fafa2b3452494225f82eeedac56141230"
                ),
                "decoder.onnx": (
                    "c40f5aa7d37b681cd500481a85d44839fd81c93dce1e86271a2c866470d22105"
                ),
            },
        ),
        summary="Meta's Segment Anything 2.1 with its smallest encoder (Hiera Tiny).",
    ),
    _sam_row(
        "small",
        "SAM 2.1 small",
        "sam2.1_hiera_small.pt",
        _darktable(
            "mask-object-sam21-small.dtmodel",
            "06a629ac1adf40daec47d2191cbdbdac609d93769584a05f65f4276bf784663f",
            162_000_000,
            witnesses=2,
        ),
        summary="Meta's Segment Anything 2.1 with a deeper encoder; slower than tiny.",
    ),
    _sam_row(
        "base-plus",
        "SAM 2.1 base plus",
        "sam2.1_hiera_base_plus.pt",
        _darktable(
            "mask-object-sam21-base-plus.dtmodel",
            "ee9a5d3c86cbc0ef4e4c550070c25af224a44ec80c8bade4419383b7aab890cb",
            294_000_000,
        ),
        summary="Meta's Segment Anything 2.1 with a wide encoder; slow without a GPU.",
    ),
)

MODELS: Mapping[str, ModelRow] = MappingProxyType({row.name: row for row in _ROWS})
"""Models by name; read-only."""

CHECKPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "sam2.1_hiera_tiny.pt": (
            "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69"
        ),
        "sam2.1_hiera_small.pt": (
            "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38"
        ),
        "sam2.1_hiera_base_plus.pt": (
            "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5"
        ),
        "sam2.1_hiera_large.pt": (
            "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318"
        ),
    }
)
"""Digests of Meta's checkpoints, each seen in ten places or more."""
