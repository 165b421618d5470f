"""What is known of how a model runs on this machine: plain frozen values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from napari_sam21.core.errors import ProviderError
from napari_sam21.core.providers.agreement import Agreement
from napari_sam21.core.providers.way import CPU, Way, way_from


@dataclass(frozen=True)
class Pair:
    """How the two graphs of a model are run.

    Attributes
    ----------
    encoder, decoder : Way
    """

    encoder: Way = CPU
    decoder: Way = CPU

    def __str__(self) -> str:
        """Return what people read."""
        if self.encoder == self.decoder:
            return str(self.encoder)
        return f"encoder {self.encoder}; decoder {self.decoder}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {"encoder": self.encoder.as_dict(), "decoder": self.decoder.as_dict()}


@dataclass(frozen=True)
class Timing:
    """How long a part takes, beside the CPU in turns.

    Attributes
    ----------
    seconds, cpu_seconds : float
        Medians.
    runs : int
        Of each.
    load_seconds, cpu_load_seconds : float
        To open the graph; the second time, if something is kept for that.
    """

    seconds: float
    cpu_seconds: float
    runs: int
    load_seconds: float
    cpu_load_seconds: float

    @property
    def ratio(self) -> float:
        """Time over the CPU's: below 1 is faster."""
        return self.seconds / self.cpu_seconds


@dataclass(frozen=True)
class Trial:
    """How a way did.

    Attributes
    ----------
    pair : Pair
        What was tried; the part that is exact CPU was not.
    problem : str
        Why it is set aside; empty if it passed.
    timing : Timing or None
        Of the part that was tried; None if it failed, or both were tried together.
    agreement : Agreement or None
    """

    pair: Pair
    problem: str = ""
    timing: Timing | None = None
    agreement: Agreement | None = None

    @property
    def passed(self) -> bool:
        """Whether it may serve the user."""
        return not self.problem

    @property
    def part(self) -> str:
        """What was tried: "encoder", "decoder" or "both"."""
        tried = {"encoder": self.pair.encoder, "decoder": self.pair.decoder}
        parts = [name for name, way in tried.items() if way != CPU]
        return parts[0] if len(parts) == 1 else "both"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


def trial_from(found: dict[str, Any]) -> Trial:
    """Read what `Trial.as_dict` gave.

    Raises
    ------
    ProviderError
        If it is something else.
    """
    try:
        timing, agreement = found["timing"], found["agreement"]
        return Trial(
            pair_from(found["pair"]),
            str(found["problem"]),
            None if timing is None else Timing(**timing),
            None if agreement is None else Agreement(**agreement),
        )
    except (KeyError, TypeError) as error:
        raise ProviderError(f"{found!r} is no trial of a provider") from error


def pair_from(found: dict[str, Any]) -> Pair:
    """Read what `Pair.as_dict` gave.

    Raises
    ------
    ProviderError
        If it is something else.
    """
    try:
        return Pair(way_from(found["encoder"]), way_from(found["decoder"]))
    except (KeyError, TypeError) as error:
        raise ProviderError(f"{found!r} is no pair of ways") from error


@dataclass(frozen=True)
class Findings:
    """All that was found out about a model on this machine.

    Attributes
    ----------
    trials : tuple of Trial
        In the order they were made; a later one of the same pair counts.
    faults : tuple of (str, str)
        Plugins that could not be asked, and why.
    complete : bool
        Whether all that was there was tried.
    """

    trials: tuple[Trial, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    complete: bool = False

    def of(self, pair: Pair) -> Trial | None:
        """Return the trial of a pair, if there was one."""
        return next((each for each in self.trials if each.pair == pair), None)

    def with_trial(self, trial: Trial) -> Findings:
        """Return these with one more, in place of an earlier one of its pair."""
        others = tuple(each for each in self.trials if each.pair != trial.pair)
        return Findings((*others, trial), self.faults, self.complete)

    def passed(self, part: str) -> list[Trial]:
        """Return the trials of a part that went well."""
        return [each for each in self.trials if each.part == part and each.passed]

    def set_aside(self) -> Iterable[str]:
        """Tell what was set aside, and why, a line each."""
        for plugin, why in self.faults:
            yield f"{plugin}: {why}"
        for trial in self.trials:
            if not trial.passed:
                yield f"{trial.pair} ({trial.part}): {trial.problem}"
