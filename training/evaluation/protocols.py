"""Simulated users: each protocol prompts all objects of an image in its own way.

A protocol is a frozen value with a key, so that what it found can be kept and found
again. It returns plain lists, one entry for each object in the order of `targets`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from training.clicks import deepest
from training.evaluation.grid import through_grid
from training.evaluation.patches import Patch, Target, corrective_click, enclose, iou
from training.evaluation.sitting import EMPTY, Found, Measure, Pixel, Session, Sitting

TRIES = 100
SHOWN = (1, 3, 5)
"""Clicks after which instances are merged."""


@dataclass(frozen=True)
class Curve:
    """RITM's clicks: ``every`` of them on all objects, more until IoU is ``enough``.

    Parameters
    ----------
    every : int
        Clicks that every object gets, for the curve.
    most : int
        Clicks at most, for NoC.
    enough : float
        IoU at which no further clicks are needed, past ``every``.
    """

    every: int = 10
    most: int = 20
    enough: float = 0.9

    @property
    def key(self) -> str:
        """Name and settings."""
        return f"curve-{self.every}-{self.most}"

    def run(self, sitting: Sitting) -> Found:
        """Return ``ious`` after each click, ``first`` facts, and ``msa`` by click."""
        rows = [self.one(sitting, target.patch) for target in sitting.targets]
        shown = [click for click in SHOWN if click <= self.every]
        return {
            "ious": [ious for ious, _, _ in rows],
            "first": [facts for _, facts, _ in rows],
            "msa": {
                str(n): sitting.score([masks[n - 1] for _, _, masks in rows])
                for n in shown
            },
        }

    def one(
        self, sitting: Sitting, truth: Patch
    ) -> tuple[list[float], Found, list[Patch]]:
        """Click one object; a perfect mask is not clicked again and stays."""
        session, facts = Session(sitting), Found()
        ious: list[float] = []
        masks: list[Patch] = []
        while len(ious) < self.every or (
            len(ious) < self.most and max(ious) < self.enough
        ):
            if not ious or ious[-1] < 1:
                session.ask(corrective_click(session.shown, truth))
            ious.append(round(iou(session.shown, truth), 4))
            masks.append(session.shown)
            facts = facts or session.facts(truth)
        return ious, facts, masks[: max(SHOWN)]


@dataclass(frozen=True)
class Jitter:
    """The first click, displaced by a Gaussian, drawn again until it is inside.

    Parameters
    ----------
    share : float
        Sigma as a share of the object's radius (of a disc of its area).
    """

    share: float = 0.25

    @property
    def key(self) -> str:
        """Name and settings."""
        return f"jitter-{self.share}"

    def run(self, sitting: Sitting) -> Found:
        """Return the IoU after one click of each object."""
        ious = []
        for target in sitting.targets:
            click = self.click(target.patch, sitting.random(target, "jitter"))
            found = Session(sitting).ask((click, 1))
            ious.append(round(iou(found, target.patch), 4))
        return {"ious": ious}

    def click(self, truth: Patch, rng: np.random.Generator) -> Pixel:
        """Return a pixel of the object near its deepest one."""
        _, (row, column) = deepest(truth.mask)
        sigma = self.share * np.sqrt(truth.area / np.pi)
        top, left = truth.origin_rc
        for _ in range(TRIES):
            r, c = (round(x) for x in rng.normal((row, column), sigma))
            inside = 0 <= r < truth.mask.shape[0] and 0 <= c < truth.mask.shape[1]
            if inside and truth.mask[r, c]:
                return r + top, c + left
        return row + top, column + left


@dataclass(frozen=True)
class Box:
    """The object's exact bounding box, half-open as in micro-sam, and no click."""

    key: str = "box"

    def run(self, sitting: Sitting) -> Found:
        """Return the IoU of each object, and mSA."""
        sessions = [Session(sitting, box=t.patch.window) for t in sitting.targets]
        masks = [session.ask() for session in sessions]
        pairs = zip(masks, sitting.targets, strict=True)
        ious = [round(iou(mask, target.patch), 4) for mask, target in pairs]
        return {"ious": ious, "msa": sitting.score(masks)}


@dataclass(frozen=True)
class Scatter:
    """Many random clicks on a few objects: does the mask hold or collapse?

    A quarter of the clicks are negative, just outside the object: within its bounding
    box widened by half on each side.

    Parameters
    ----------
    clicks : int
    objects : int
        Objects drawn from each image.
    """

    clicks: int = 20
    objects: int = 1

    @property
    def key(self) -> str:
        """Name and settings."""
        return f"scatter-{self.clicks}-{self.objects}"

    def run(self, sitting: Sitting) -> Found:
        """Return ``ious`` click by click with feedback, and ``at_once`` without."""
        order = np.random.default_rng(zlib.crc32(sitting.name.encode()))
        count = min(self.objects, len(sitting.targets))
        picked = order.choice(len(sitting.targets), count, replace=False)
        ious, at_once = [], []
        for target in (sitting.targets[i] for i in sorted(picked)):
            clicks = self.draw(sitting, target)
            session = Session(sitting)
            masks = [session.ask(click) for click in clicks]
            ious.append([round(iou(mask, target.patch), 4) for mask in masks])
            together = Session(sitting).ask(*clicks)
            at_once.append(round(iou(together, target.patch), 4))
        return {"ious": ious, "at_once": at_once}

    def draw(self, sitting: Sitting, target: Target) -> list[tuple[Pixel, int]]:
        """Return clicks, the first of them positive."""
        rng = sitting.random(target, "scatter")
        r0, c0, r1, c1 = target.patch.window
        height, width = (r1 - r0) // 2 + 2, (c1 - c0) // 2 + 2
        rows, columns = sitting.shape
        window = (
            max(r0 - height, 0), max(c0 - width, 0),
            min(r1 + height, rows), min(c1 + width, columns),
        )  # fmt: skip
        mask = target.patch.within(window)
        clicks = []
        for number in range(self.clicks):
            sign = int(number == 0 or rng.random() < 0.75 or bool(mask.all()))
            row, column = rng.choice(np.argwhere(mask == bool(sign)))
            clicks.append(((int(row) + window[0], int(column) + window[1]), sign))
        return clicks


@dataclass(frozen=True)
class Rounds:
    """micro-sam's iterative prompts: a start, then a random FN and FP point a round.

    Parameters
    ----------
    start : str
        ``"point"`` (the deepest pixel) or ``"box"``.
    rounds : int
    """

    start: str = "point"
    rounds: int = 3

    @property
    def key(self) -> str:
        """Name and settings."""
        return f"rounds-{self.start}-{self.rounds}"

    def run(self, sitting: Sitting) -> Found:
        """Return mSA after the start and after each round."""
        found = [self.one(sitting, target) for target in sitting.targets]
        return {"msa": [sitting.score(list(m)) for m in zip(*found, strict=True)]}

    def one(self, sitting: Sitting, target: Target) -> list[Patch]:
        """Return the masks of one object, round by round."""
        rng, truth = sitting.random(target, self.key), target.patch
        if self.start == "box":
            session = Session(sitting, box=truth.window)
            masks = [session.ask()]
        else:
            session = Session(sitting)
            masks = [session.ask(corrective_click(EMPTY, truth))]
        for _ in range(self.rounds):
            clicks = random_errors(session.shown, truth, rng)
            masks.append(session.ask(*clicks) if clicks else session.shown)
        return masks


def random_errors(
    shown: Patch, truth: Patch, rng: np.random.Generator
) -> list[tuple[Pixel, int]]:
    """Draw a false negative and a false positive pixel, where there are any."""
    window = enclose(truth.window, shown.window)
    mine, wanted = shown.within(window), truth.within(window)
    clicks = []
    for wrong, sign in ((wanted & ~mine, 1), (mine & ~wanted, 0)):
        places = np.argwhere(wrong)
        if len(places):
            row, column = rng.choice(places)
            clicks.append(((int(row) + window[0], int(column) + window[1]), sign))
    return clicks


@dataclass(frozen=True)
class Grid:
    """No prompt at all: the true mask through the 256 × 256 grid, as a bound."""

    key: str = "grid"

    def run(self, sitting: Sitting) -> Found:
        """Return the IoU of each object with itself after the grid."""
        ious = [
            round(iou(through_grid(t.patch, sitting.shape), t.patch), 4)
            for t in sitting.targets
        ]
        return {"ious": ious}


PROTOCOLS: dict[str, Measure] = {
    "curve": Curve(),
    "jitter": Jitter(),
    "box": Box(),
    "scatter": Scatter(),
    "grid": Grid(),
    "quick": Curve(every=5, most=5),
    "rounds": Rounds(),
    "box-rounds": Rounds(start="box"),
}
"""What ``--protocols`` chooses from."""
STANDARD = ("curve", "jitter", "box", "scatter", "grid")
QUICK = ("quick", "jitter", "box", "grid")
