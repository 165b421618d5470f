"""`Model.encode` over a bare run of the same encoder on a ready tensor."""

from __future__ import annotations

from pathlib import Path

import napari_sam21 as sam
from benchmarks.subject import bare_session, grey_image, ready_tensor, rgb_image
from benchmarks.timing import Outcome, interleaved, ratio, timed


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Compare on a grey and on a colour image."""
    model = sam.load_model(folder)
    session = bare_session(folder, "encoder")
    tensor, grey, rgb = ready_tensor(), grey_image(), rgb_image()
    found = interleaved(
        {
            "bare": timed(lambda: session.run(None, {"image": tensor})),
            "encode_grey": timed(lambda: model.encode(grey)),
            "encode_rgb": timed(lambda: model.encode(rgb)),
        },
        rounds,
    )
    return [
        ratio(key, found[key], found["bare"]) for key in ("encode_grey", "encode_rgb")
    ]
