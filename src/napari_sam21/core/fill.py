"""Many embeddings made ahead, one after another: each step, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_sam21.core.errors import StoreError
from napari_sam21.core.preprocess import ModelInput
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model
from napari_sam21.core.store import EMBEDDING_BYTES, Store


@dataclass(frozen=True)
class Progress:
    """How far a plan is.

    Attributes
    ----------
    total : int
        Embeddings of the plan.
    made, found : int
        How many were encoded, and how many were in the store already.
    problems : tuple of str
        Of those that could be neither: what, and why.
    seconds : float
        Spent on those that were made.
    """

    total: int
    made: int = 0
    found: int = 0
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many are behind us, well or not."""
        return self.made + self.found + len(self.problems)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes if all of it is to be made; None at the start."""
        if not self.made:
            return None
        return (self.total - self.done) * self.seconds / self.made

    def after(self, made: bool, seconds: float) -> Progress:
        """Count one that is in the store now; whether it was made, and how long."""
        if not made:
            return replace(self, found=self.found + 1)
        return replace(self, made=self.made + 1, seconds=self.seconds + seconds)

    def without(self, problem: str) -> Progress:
        """Count one that failed."""
        return replace(self, problems=(*self.problems, problem))


def fill(
    model: Model,
    model_input: ModelInput,
    store: Store,
    cancel: Cancellation | None = None,
) -> bool:
    """See to it that an embedding is in the store.

    What is there already costs reading and a digest, and is counted as just used, so
    that a plan that is taken up again does not drive out its own beginning.

    Returns
    -------
    bool
        Whether it was made.

    Raises
    ------
    Cancelled
        If ``cancel`` was called.
    StoreError
        If it was made, and is not kept.
    """
    key = model.key(model_input)
    if store.has(key):
        return False
    found = store.get(key) or model.encode_input(model_input, cancel)
    store.put_now(found)
    if not store.has(key):
        raise StoreError(
            "an embedding that was made cannot be kept: make room on the disk, or "
            "choose another folder for embeddings"
        )
    return True


def how_long(seconds: float) -> str:
    """Say how long something takes, about, as people say it."""
    if seconds < 45:
        return f"{max(round(seconds), 1)} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60) or 1} min"
    return f"{seconds / 3600:.1f} h"


def how_much(count: int) -> str:
    """Say how much room some embeddings take."""
    amount = count * EMBEDDING_BYTES
    return f"{amount / 1e6:.0f} MB" if amount < 1e9 else f"{amount / 1e9:.1f} GB"
