"""Seeded checkpoint → convert → our runtime against the official predictor → docs."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import napari_sam21 as sam
from benchmarks.parity.cost import fastest_conversion, measure_objects
from benchmarks.parity.page import kept, read, write
from benchmarks.parity.providers import measure_providers
from benchmarks.parity.run import measure, verdicts
from benchmarks.seeded import write_checkpoint
from napari_sam21.samples import read_image

DOCS = Path(__file__).parents[2] / "docs"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and return 1 if a requirement is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the page")
    parser.add_argument(
        "--costs",
        action="store_true",
        help="measure conversion and providers only; keep the images' figures",
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = Path(temporary) / "seeded.pt"
        network = write_checkpoint(checkpoint)
        _say("converting a seeded checkpoint")
        conversion = fastest_conversion(checkpoint, Path(temporary) / "seeded")
        folder = Path(temporary) / "seeded"
        model = sam.load_model(folder)
        providers = measure_providers(folder, network, _say)
        objects = measure_objects(model, model.encode(read_image("fluorescence")))
        result = read(options.out) if options.costs else measure(model, network, _say)
    requirements = kept(verdicts(result), conversion, objects)
    write(options.out, result, providers, conversion, objects, requirements)
    for name, fine in requirements.items():
        print(f"{name}: {'kept' if fine else 'BROKEN'}")
    return 0 if all(requirements.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
