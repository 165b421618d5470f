"""From what was found out and what the user wants to how a model is run: pure."""

from __future__ import annotations

from napari_sam21.core.providers.way import CPU, EXACT, Way
from napari_sam21.models.choosing.result import Findings, Pair, Trial
from napari_sam21.models.choosing.wish import Wish

MARGIN = 0.9
"""What wins must be a tenth faster than the CPU: less is noise, and not worth it."""

LONG_LOAD = 60.0
"""Seconds to open a graph, from the second time on, that nobody waits for."""


def pick(findings: Findings, wish: Wish) -> Pair:
    """Return the fastest way for each part, of those that passed and are wanted.

    What was not tried, or failed, does not serve; then the CPU does.
    """
    if wish.cpu:
        return Pair()
    pair = Pair(_best(findings, "encoder", wish), _best(findings, "decoder", wish))
    if CPU in (pair.encoder, pair.decoder):
        return pair
    together = findings.of(pair)
    if together is not None and together.passed:
        return pair
    return Pair(encoder=pair.encoder)  # the wait is the encoder's


def needs_both(findings: Findings, wish: Wish) -> Pair | None:
    """Return the pair that is still to be tried together, if there is one."""
    pair = Pair(_best(findings, "encoder", wish), _best(findings, "decoder", wish))
    alone = CPU in (pair.encoder, pair.decoder) or wish.cpu
    return None if alone or findings.of(pair) is not None else pair


def _best(findings: Findings, part: str, wish: Wish) -> Way:
    fits = [each for each in findings.passed(part) if _is_wanted(each, part, wish)]
    timed = {
        _way(each, part): each.timing.ratio
        for each in fits
        if each.timing is not None
        and (not wish.automatic or _is_worth_it(each.timing.ratio))
        and each.timing.load_seconds <= LONG_LOAD
    }
    return min(timed, key=lambda way: timed[way], default=CPU)


def _is_worth_it(ratio: float) -> bool:
    return ratio <= MARGIN


def _is_wanted(trial: Trial, part: str, wish: Wish) -> bool:
    way = _way(trial, part)
    exact_enough = way.precision == EXACT or wish.precision != EXACT
    return exact_enough and (wish.automatic or way.selects(wish.runs_on))


def _way(trial: Trial, part: str) -> Way:
    return trial.pair.encoder if part == "encoder" else trial.pair.decoder


def why_cpu(findings: Findings, wish: Wish) -> str:
    """Say why a provider that the user named does not serve; empty if it does."""
    if wish.automatic or wish.cpu or pick(findings, wish) != Pair():
        return ""
    tried = [
        each
        for each in findings.trials
        if each.pair.encoder.selects(wish.runs_on)
        or each.pair.decoder.selects(wish.runs_on)
    ]
    failed = [each.problem for each in tried if each.problem]
    if failed:
        return f"{wish.runs_on} is set aside, the CPU serves: {failed[0]}"
    if findings.complete:
        return f"there is no {wish.runs_on} on this machine, the CPU serves"
    return f"{wish.runs_on} was not tried with this model yet, the CPU serves"
