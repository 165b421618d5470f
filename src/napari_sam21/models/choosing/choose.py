"""Goes through all ways to run a model here, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import ProviderError
from napari_sam21.core.providers.plugins import found_plugins
from napari_sam21.core.providers.sessions import built_in_ways
from napari_sam21.core.providers.way import Way, way_from
from napari_sam21.core.runtime import Cancellation
from napari_sam21.models.choosing import child
from napari_sam21.models.choosing.memory import Memory
from napari_sam21.models.choosing.pick import needs_both
from napari_sam21.models.choosing.result import Findings, Pair, Trial, trial_from
from napari_sam21.models.choosing.wish import Wish, wished
from napari_sam21.models.weights import model_parts

MOST = 20
"""Runs of each of two that are compared, at most."""

Show = Callable[[str, int, int], object]
"""Told what is being tried, how many were, and of how many."""


@dataclass(frozen=True)
class Chooser:
    """Tries what was not tried yet.

    Attributes
    ----------
    model : str or Path
        As for `load_model`.
    limit : float
        Seconds that one way may take.
    most : int
        Runs of each of two that are compared, at most.
    """

    model: str | Path
    limit: float = child.LIMIT
    most: int = MOST

    @property
    def memory(self) -> Memory:
        """Where the findings are kept."""
        return model_parts(self.model).memory

    def run(self, cancel: Cancellation, show: Show = lambda *_: None) -> Findings:
        """Try all ways that were not tried; each finding is kept at once.

        Raises
        ------
        Cancelled
            If ``cancel`` was called; what was found is kept.
        ModelError
            If the model cannot be used at all.
        """
        memory = self.memory
        findings = memory.recall()
        if findings.complete:
            return findings
        ways, faults = self._ways(cancel)
        findings = replace(findings, faults=faults)
        pairs = [pair for way in ways for pair in (Pair(way), Pair(decoder=way))]
        for number, pair in enumerate(pairs):
            show(_named(pair), number, len(pairs))
            if findings.of(pair) is None:
                findings = findings.with_trial(self._trial(pair, cancel))
                memory.keep(findings)
        findings = replace(self._together(findings, cancel), complete=True)
        memory.keep(findings)
        return findings

    def _ways(
        self, cancel: Cancellation
    ) -> tuple[list[Way], tuple[tuple[str, str], ...]]:
        """Return all ways but the CPU's, and plugins that could not be asked."""
        ways, faults = built_in_ways(), []
        for name in found_plugins():
            try:
                answer = child.ask({"plugin": name}, cancel, self.limit)
                ways += [way_from(each) for each in answer["ways"]]
            except ProviderError as error:
                faults.append((name, str(error)))
        return ways, tuple(faults)

    def _together(self, findings: Findings, cancel: Cancellation) -> Findings:
        """Try the winners in one process, for each wish that would load both."""
        for wish in _wishes():
            pair = needs_both(findings, wish)
            if pair is not None:
                findings = findings.with_trial(self._trial(pair, cancel))
        return findings

    def _trial(self, pair: Pair, cancel: Cancellation) -> Trial:
        request = {
            "model": _as_request(self.model),
            "pair": pair.as_dict(),
            "most": self.most,
        }
        try:
            return trial_from(child.ask(request, cancel, self.limit))
        except ProviderError as error:
            return Trial(pair, str(error))


def _wishes() -> Iterator[Wish]:
    """What the user wants, and what they may want next."""
    yield wished()
    yield Wish()


def _named(pair: Pair) -> str:
    part = Trial(pair).part
    return f"{part} by {getattr(pair, part)}"


def _as_request(model: str | Path) -> dict[str, Any]:
    if isinstance(model, Path):
        return {"path": str(model.absolute())}
    return {"name": model}


def anything_to_try() -> bool:
    """Whether there may be another way than the CPU; at a glance, nothing is loaded."""
    return bool(built_in_ways() or found_plugins())
