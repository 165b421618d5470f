"""The peers, and what each needs to be installed."""

from __future__ import annotations

from dataclasses import dataclass

TORCH = ("torch==2.13.0", "numpy", "pillow", "setuptools", "wheel")
TORCHVISION = ("--no-deps", "torchvision==0.28.0")
SAM2_BUILD = ("--no-deps", "--no-build-isolation", "sam2==1.1.0")
"""sam2's build wants torch, and in an isolation of its own would bring another one."""

HERE: tuple[tuple[str, ...], ...] = ()
"""Of subjects that run in the environment of the suite itself."""


@dataclass(frozen=True)
class Peer:
    """Something that segments from clicks.

    Attributes
    ----------
    title : str
        What people read.
    subject : str
        A class of `benchmarks.peers.subjects`.
    options : tuple of str
        What it is made with.
    environment : str
        Peers of one name share an environment; empty for the suite's own.
    steps : tuple of tuple of str
        Arguments of ``pip install``, one call after another.
    note : str
        What a reader has to know about it.
    """

    title: str
    subject: str
    options: tuple[str, ...] = ()
    environment: str = ""
    steps: tuple[tuple[str, ...], ...] = HERE
    note: str = ""


OFFICIAL = (TORCH, ("hydra-core", "iopath", "tqdm"), SAM2_BUILD, TORCHVISION)
MICRO_SAM = (TORCH, TORCHVISION, ("micro_sam==1.8.14", "torch==2.13.0"))

PEERS = {
    "bare": Peer(
        "onnxruntime, bare",
        "Bare",
        note="`session.run` on ready tensors: nothing can be faster on this runtime",
    ),
    "ours": Peer("napari-sam21, SAM 2.1 tiny", "Ours"),
    "starter": Peer(
        "napari-sam21, starter", "Ours", ("starter",), note="another, smaller network"
    ),
    "official": Peer(
        "SAM2ImagePredictor, float32",
        "Official",
        ("float32",),
        "sam2",
        OFFICIAL,
        "seeded weights of the same architecture; torch",
    ),
    "official-bfloat16": Peer(
        "SAM2ImagePredictor, bfloat16",
        "Official",
        ("bfloat16",),
        "sam2",
        OFFICIAL,
        "the same under torch's autocast; not the same numbers",
    ),
    "micro-sam": Peer(
        "micro-sam 1.8, ViT-B",
        "MicroSam",
        ("vit_b",),
        "micro-sam",
        MICRO_SAM,
        "its own functions for embedding and clicks, with an untrained ViT-B",
    ),
}
"""In the order in which they are shown."""

NOT_HERE = {
    "micro-sam, ViT-T": "needs MobileSAM, which is in no package registry",
    "nnInteractive": "its weights need a download, and it asks for a GPU",
    "SAMJ, QuPath": "run in Fiji and QuPath, with a server of their own",
}
"""What is not measured, and why."""
