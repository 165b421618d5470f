"""Segment everything: its time over bare decodes, batches, accuracy, labels kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from benchmarks.subject import bare_session, decoder_feeds, decoder_outputs
from benchmarks.timing import Outcome, Spread, interleaved, ratio, timed
from napari_sam21.core.automatic import Filters, Objects
from napari_sam21.core.automatic.options import filters_for
from napari_sam21.core.sam2 import BATCH
from napari_sam21.samples import read_image, read_labels
from training.evaluation.scores import mean_segmentation_accuracy

TIMED_SIDE = 8
"""Points a side of the grid that is timed; the accuracy is of the whole grid."""


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Time a small grid in turns with bare decodes, then judge a full one."""
    model = sam.load_model(folder)
    embedding = model.encode(read_image("fluorescence"))
    return [*times(folder, model, embedding, rounds), *accuracy(model, embedding)]


def times(
    folder: Path, model: sam.Model, embedding: sam.Embedding, rounds: int
) -> list[Outcome]:
    """Compare the whole call with as many bare runs; and bare batches with them."""
    session = bare_session(folder, "decoder")
    feeds, names = decoder_feeds(embedding.features), decoder_outputs(session)
    wide = {
        name: value if name in embedding.features else np.repeat(value, BATCH, axis=0)
        for name, value in feeds.items()
    }
    points = TIMED_SIDE**2
    # No filter but the official ones would let a grid of misses look quick.
    filters = Filters(points_per_side=TIMED_SIDE, min_score=0, min_stability=0)
    sides = {
        "bare": timed(lambda: [session.run(names, feeds) for _ in range(points)]),
        "ours": timed(lambda: sam.segment_everything(model, embedding, filters)),
    }
    if model.contract.batches:
        runs = range(points // BATCH)
        sides["batches"] = timed(lambda: [session.run(names, wide) for _ in runs])
    found = interleaved(sides, rounds)
    rows = [ratio("everything", found["ours"], found["bare"])]
    if "batches" in found:
        rows.append(ratio("everything_batches", found["batches"], found["bare"]))
    return rows


def accuracy(model: sam.Model, embedding: sam.Embedding) -> list[Outcome]:
    """Return mSA of the sample, and the labels that a second painting would harm."""
    truth = read_labels("fluorescence").astype(np.int64)
    found = sam.segment_everything(model, embedding, filters_for(model))
    labels = found.labels().astype(np.int64)
    score = mean_segmentation_accuracy(labels, truth)
    return [
        Outcome("everything_msa", score, Spread.of([score])),
        Outcome("everything_lost", *_lost(found, truth)),
    ]


def _lost(found: Objects, truth: npt.NDArray[np.int64]) -> tuple[float, Spread]:
    """Pixels changed of labels that were there: every second true cell."""
    there = np.where(truth % 2 == 1, truth, 0)
    painted = there.copy()
    found.paint(painted, int(truth.max()) + 1)
    lost = float(((painted != there) & (there != 0)).sum())
    return lost, Spread.of([lost])
