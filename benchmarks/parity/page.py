"""docs/parity.md and docs/parity.json."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.parity.cases import CASES
from benchmarks.parity.controls import CONTROL_CASES, CONTROLS
from benchmarks.parity.cost import (
    OBJECTS,
    OBJECTS_TOLERANCE,
    PEAK_MB_LIMIT,
    SECONDS_LIMIT,
    ConversionCost,
    ObjectsCost,
)
from benchmarks.parity.measure import Agreement
from benchmarks.parity.official import how
from benchmarks.parity.providers import ProviderResult, provider_columns
from benchmarks.parity.run import (
    MIN_IOU,
    NOTICED,
    TOLERANCE,
    ControlResult,
    ImageResult,
    Result,
)

FEATURES = ("high_res_feats_0", "high_res_feats_1", "image_embed")

HEAD = """# Parity with the official predictor

Written by `./dev parity` (or `python -m benchmarks.parity` in an environment as in
[Converting](convert.md)); every figure is in [parity.json](parity.json) too.

One side is this plugin's runtime by its public API: `load_model` on the folder that
`convert` wrote, `encode`, `decode`, `mask`; numpy, Pillow and onnxruntime. The other is
{how}.

Both have SAM 2.1 Hiera tiny with the same seeded weights (no trained ones can be
fetched where the project is developed): `torch.manual_seed(0)`, and random position
embeddings, which would start at zero. What is shown is that the arithmetic is the same,
not that the masks are good; trained weights go the same way.

- {count} real images, 8-bit RGB or grey, of {shapes} shapes. The official predictor
  gets grey in all three channels; ours is told to show 0 … 255 without a
  stretch.
- Errors are the largest absolute difference, divided by the standard deviation of the
  official tensor: seeded logits lie near zero. Scores are three numbers a time.
- Masks are compared at the image's own resolution, all three candidates, at 0 where
  that covers 1–99 % of the image, else at the median logit.
- Feedback: each side is fed back its own best answer, over three rounds.
"""


def render(
    result: Result,
    providers: Sequence[ProviderResult],
    conversion: ConversionCost,
    objects: ObjectsCost,
) -> str:
    """Write the page as Markdown."""
    parts = [
        HEAD.format(
            how=how(),
            count=len(result.images),
            shapes=len({image.shape for image in result.images}),
        ),
        *_answers(result),
        *_providers(providers),
        *_controls(result),
        *_images(result),
        *_costs(conversion, objects),
    ]
    return "\n".join(parts)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    align = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, align, *rows)) + "\n"


def _answers(result: Result) -> list[str]:
    rows = [
        (f"encoder: `{name}`", f"{result.feature(name):.1e}", "", "", "", "")
        for name in FEATURES
    ]
    for case in CASES:
        found = result.case(case.name)
        numbers = (f"{found.logits:.1e}", f"{found.scores:.1e}", f"{found.iou:.6f}")
        counts = f"{found.asks} ({found.at_median})"
        rows.append((case.name, "", *numbers, counts))
    allowed = f"{TOLERANCE:.0e}"
    rows.append(("**required**", allowed, allowed, allowed, f"≥ {MIN_IOU}", ""))
    header = ("largest over all images", "features", "logits", "scores",
              "smallest mask IoU", "masks compared (at the median)")  # fmt: skip
    return ["## Result\n", _table(header, rows)]


def _providers(found: Sequence[ProviderResult]) -> list[str]:
    header, *rows = provider_columns(found)
    problems = [f"- {one.way}: {one.problem}" for one in found if one.problem]
    return [
        "## By provider\n",
        "The same by every execution provider of the machine that this was written on, "
        "on the first images below. What was tried elsewhere, and the test that a "
        "provider has to pass before it is used: [Providers](providers.md).\n",
        _table(header, rows),
        *problems,
    ]


def _controls(result: Result) -> list[str]:
    rows: list[Sequence[str]] = []
    for control in CONTROLS:
        found = result.control(control.name)
        worst = sorted(each.worst for each in found)
        rows.append(
            (
                f"{control.name}: {control.what}",
                str(len(found)),
                f"{max(each.features for each in found):.1e}",
                f"{max(each.answers.logits for each in found):.1e}",
                f"{max(each.answers.scores for each in found):.1e}",
                f"{min(each.answers.iou for each in found):.4f}",
                f"{worst[0]:.1e} – {worst[-1]:.1e}",
            )
        )
    rows.append((f"**required: more than {NOTICED:.0e}**", *[""] * 6))
    header = ("mistake", "images", "features", "logits", "scores",
              "smallest mask IoU", "worst tensor, image by image")  # fmt: skip
    asked = "; ".join(case.name for case in CONTROL_CASES)
    return [
        "## Negative controls\n",
        "The same comparison with a mistake made on our side on purpose, asked: "
        f"{asked}. Each must exceed ten times the tolerance.\n",
        _table(header, rows),
    ]


def _images(result: Result) -> list[str]:
    rows = [
        (
            f"{image.name} ({image.source})",
            f"{image.shape[0]} × {image.shape[1]} {image.kind}",
            f"{image.input_error:.1e}",
            f"{max(image.features.values()):.1e}",
            f"{max(case.logits for case in image.cases.values()):.1e}",
            f"{min(case.iou for case in image.cases.values()):.6f}",
        )
        for image in result.images
    ]
    header = ("image", "rows × columns", "encoder's input (absolute)", "features",
              "logits", "smallest mask IoU")  # fmt: skip
    return ["## Images\n", _table(header, rows)]


def _costs(conversion: ConversionCost, objects: ObjectsCost) -> list[str]:
    sizes = ", ".join(
        f"`{name}` {size / 1e6:.1f} MB"
        for name, size in conversion.sizes.items()
        if name.endswith(".onnx")
    )
    rows = [
        ("conversion of the tiny architecture, s",
         f"{conversion.seconds:.0f} ({conversion.cpu_seconds:.0f} of processor time)",
         f"< {SECONDS_LIMIT:.0f}"),
        ("its peak memory, MB",
         f"{conversion.peak_mb:,.0f}", f"< {PEAK_MB_LIMIT:,.0f}"),
        ("its own comparison, worst tensor, standard deviations",
         f"{conversion.worst:.1e}", f"{TOLERANCE:.0e}"),
        (f"{OBJECTS} objects in one run against {OBJECTS} runs, largest absolute "
         "difference", f"{objects.difference:.1e}", f"≤ {OBJECTS_TOLERANCE:.0e}"),
        (f"time in one run over time in {OBJECTS} runs",
         f"{objects.ratio:.2f} ({objects.together_ms:.0f} / {objects.apart_ms:.0f} ms)",
         "reported"),
    ]  # fmt: skip
    return [
        "## Conversion\n",
        f"Measured on {os.cpu_count()} cores, on which other programs made a load of "
        f"{conversion.load:.1f} when it began (attempt {conversion.attempts}). "
        f"Files: {sizes}.\n",
        _table(("what", "measured", "required"), rows),
    ]


def kept(
    verdicts: dict[str, bool], conversion: ConversionCost, objects: ObjectsCost
) -> dict[str, bool]:
    """Return each requirement of the page, and whether it is kept."""
    return {
        **verdicts,
        "conversion time": conversion.seconds < SECONDS_LIMIT,
        "conversion memory": conversion.peak_mb < PEAK_MB_LIMIT,
        "objects in one run": objects.difference <= OBJECTS_TOLERANCE,
    }


def write(
    folder: Path,
    result: Result,
    providers: Sequence[ProviderResult],
    conversion: ConversionCost,
    objects: ObjectsCost,
    requirements: dict[str, bool],
) -> None:
    """Write page and JSON into a folder."""
    page = render(result, providers, conversion, objects)
    lines = [f"- {name}: {'kept' if fine else '**BROKEN**'}"
             for name, fine in requirements.items()]  # fmt: skip
    versions = ", ".join(f"{name} {v}" for name, v in conversion.versions.items())
    page += "\n".join(["\n## Verdicts\n", *lines, "", f"Versions: {versions}.", ""])
    (folder / "parity.md").write_text(page, encoding="utf-8")
    data: dict[str, Any] = {
        "official": how(),
        "tolerance": TOLERANCE,
        "requirements": requirements,
        **asdict(result),
        "providers": [asdict(one) for one in providers],
        "conversion": asdict(conversion),
        "objects": {**asdict(objects), "ratio": objects.ratio},
    }
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    (folder / "parity.json").write_text(text, encoding="utf-8")


def read(folder: Path) -> Result:
    """Read back what `write` wrote about the images."""
    data = json.loads((folder / "parity.json").read_text(encoding="utf-8"))
    return Result(
        tuple(
            ImageResult(**{**each, "shape": tuple(each["shape"]), "cases": cases})
            for each in data["images"]
            for cases in [
                {name: Agreement(**found) for name, found in each["cases"].items()}
            ]
        ),
        tuple(
            ControlResult(**{**each, "answers": Agreement(**each["answers"])})
            for each in data["controls"]
        ),
    )
