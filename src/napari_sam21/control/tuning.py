"""Finds the fastest correct way to run the model, while nobody does anything. No Qt.

The first click was answered, and the user rests → each way to run the model is tried in
a process of its own, below everything else → a click, a key or a move of the view ends
that process at once, and the rest is waited for again; what was found is kept. Once all
is known, the winner is loaded in the background, and nothing runs any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from psygnal import SignalInstance

from napari_sam21.control.ports import Host
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.lanes import Lane
from napari_sam21.core.providers.way import CPU
from napari_sam21.core.runtime import Cancellation
from napari_sam21.inference import Inference
from napari_sam21.models.choosing.child import LIMIT
from napari_sam21.models.choosing.choose import MOST, Chooser, anything_to_try
from napari_sam21.models.choosing.pick import pick, why_cpu
from napari_sam21.models.choosing.result import Findings, Pair, Trial
from napari_sam21.models.choosing.wish import Wish, remember, wished

LOG = logging.getLogger(__name__)

REST_MS = 20_000
"""The user must rest this long: each way takes all cores for some seconds."""


class Tuner:
    """Chooses how the model in use is run.

    Parameters
    ----------
    inference : Inference
    host : Host
    stirred : SignalInstance
        Somebody did something.
    busy : callable
        Whether something more important uses the idle time.
    changed : callable
        Called when something here looks different.
    say : callable
        Gets what was found, and whether there is something to mend.

    Attributes
    ----------
    findings : Findings or None
        About the model in use; None before they were looked for.
    trying : str
        What is being tried, for people; empty if nothing is.
    limit : float
        Seconds that one way may take.
    most : int
        Runs of each of two that are compared, at most.
    """

    def __init__(
        self,
        inference: Inference,
        host: Host,
        stirred: SignalInstance,
        busy: Callable[[], bool],
        changed: Callable[[], None],
        say: Callable[[str, bool], None],
    ) -> None:
        self.findings: Findings | None = None
        self.trying = ""
        self.limit, self.most = LIMIT, MOST
        self._inference, self._busy = inference, busy
        self._changed, self._say, self._deliver = changed, say, host.deliver
        self._lane = Lane("sam21-tune", host.deliver)
        self._known_for: str | Path | None = None
        self._by_hand = False
        self._closed = False
        self._rested = host.debounced(self._begin, REST_MS)
        for signal in (inference.asked, stirred):
            signal.connect(self.stir)
        self._signals = (inference.asked, stirred)

    @property
    def running(self) -> bool:
        """Whether something is being tried."""
        return self._lane.busy

    @property
    def wish(self) -> Wish:
        """What the user wants."""
        return wished()

    def close(self) -> None:
        """Stop, and listen no more."""
        self._closed = True
        for signal in self._signals:
            signal.disconnect(self.stir, missing_ok=True)
        self._lane.close()

    def stir(self) -> None:
        """Somebody does something: stop at once, and wait for the next rest."""
        if self._closed:
            return
        self._stop()
        if not self._is_settled():
            self._rested()

    def measure_again(self) -> None:
        """Forget what was found about the model in use, and find it out now."""
        self._stop()
        self.findings, self._known_for, self._by_hand = None, None, True
        self._submit(forget=True)

    def cancel(self) -> bool:
        """Stop what the user began; whether there was something."""
        running, self._by_hand = self.running, False
        self._stop()
        return running

    def use(self, wish: Wish) -> None:
        """Run as the user wishes from now on, and remember it."""
        remember(wish)
        if self.findings is None or not self.findings.complete:
            self._rested()
        self._settle()

    # --- while nobody does anything ----------------------------------------------

    def _is_settled(self) -> bool:
        """Whether nothing is left to do for the model in use."""
        if self._known_for != self._inference.model_name or self.findings is None:
            return False
        return self._inference.pair in (None, pick(self.findings, self.wish))

    def _begin(self) -> None:
        inference = self._inference
        if self._closed or self.running or self._is_settled():
            return
        working = inference.encoding or inference.decoding or inference.quiet
        if working or self._busy() or not inference.answered:
            self._rested()
        elif not anything_to_try():
            self._found(inference.model_name, Findings(complete=True))
        elif self._known_for == inference.model_name:
            self._settle()
        else:
            self._submit()

    def _submit(self, forget: bool = False) -> None:
        name = self._inference.model_name

        def job(cancel: Cancellation) -> Findings:
            chooser = Chooser(name, self.limit, self.most)
            if forget:
                chooser.memory.forget()
            return chooser.run(cancel, self._show)

        self._inference.stop_quiet()
        self._lane.submit(job, partial(self._found, name), partial(self._failed, name))
        self._changed()

    def _show(self, what: str, done: int, total: int) -> None:
        """Tell how far it is; in the lane's thread."""

        def show() -> None:
            if self.running:
                self.trying = f"Trying {what} ({done + 1} of {total})"
                self._changed()

        self._deliver(show)

    def _stop(self) -> None:
        if self.running:
            self._lane.cancel()
            self.trying = ""
            self._changed()

    def _found(self, name: str | Path, findings: Findings) -> None:
        self.findings, self._known_for, self.trying = findings, name, ""
        for line in findings.set_aside():
            LOG.warning("set aside: %s", line)
        if not self._settle() and self._by_hand:
            self._say(self._in_a_word(), False)
        self._by_hand = False
        self._changed()

    def _failed(self, name: str | Path, error: BaseException) -> None:
        """The model itself cannot be used: whoever asks it is told."""
        self.findings, self._known_for, self.trying = Findings(), name, ""
        known = isinstance(error, Sam21Error)
        LOG.log(
            logging.INFO if known else logging.ERROR,
            "ways to run the model could not be tried: %r",
            error,
            exc_info=None if known else error,
        )
        self._changed()

    def _settle(self) -> bool:
        """Load the winner in the background unless it is in use; whether it was not."""
        findings, now = self.findings, self._inference.pair
        if findings is None or now is None or self._known_for is None:
            return False
        wish = self.wish
        wanted, problem = pick(findings, wish), why_cpu(findings, wish)
        if problem:
            self._say(f"{problem[:1].upper()}{problem[1:]}.", True)
        if wanted == now:
            return False
        self._inference.load_soon(anew=True, done=self._changed)
        if not problem:
            self._say(self._in_a_word(), False)
        self._rested()  # if a click comes first, it is loaded at the next rest
        return True

    def memory_now(self) -> Findings:
        """Return what is remembered of the model in use; reads its files."""
        return Chooser(self._inference.model_name).memory.recall()

    # --- for people --------------------------------------------------------------

    def _in_a_word(self) -> str:
        pair = pick(self.findings or Findings(), self.wish)
        return f"The model runs on: {in_words(pair, self.findings)}."

    def in_words(self) -> str:
        """Say how the model is run, and how much that gains."""
        pair = self._inference.pair
        if self.trying:
            return self.trying
        return "" if pair is None else in_words(pair, self.findings)

    def tip(self) -> str:
        """Say what was tried, and what was set aside and why."""
        findings = self.findings
        if findings is None:
            return "Other ways than the CPU are tried when you rest after a click"
        lines = [told(each) for each in (*findings.passed("encoder"),)]
        lines += [told(each) for each in findings.passed("decoder")]
        lines += [f"Set aside: {each}" for each in findings.set_aside()]
        return "\n".join(lines) or "There is no other way than the CPU on this machine"

    def choices(self) -> list[tuple[str, str]]:
        """Return what can be wished, as people read it and as `Wish` takes it."""
        ways = {
            way.place: way.code
            for trial in (self.findings or Findings()).trials
            for way in (trial.pair.encoder, trial.pair.decoder)
            if way.provider != CPU.provider
        }
        first = [("Automatic", "automatic"), ("CPU", "cpu")]
        return first + [(place, code.lower()) for place, code in ways.items()]


def in_words(pair: Pair, findings: Findings | None) -> str:
    """Say how a pair runs, with what each part gains over the CPU."""
    if pair == Pair():
        return str(CPU)
    gains = []
    for part in ("encoder", "decoder"):
        way = getattr(pair, part)
        alone = Pair(**{part: way})
        trial = None if findings is None or way == CPU else findings.of(alone)
        timing = None if trial is None else trial.timing
        gain = "" if timing is None else f" ({1 / timing.ratio:.1f}× as fast)"
        gains.append(f"{part} {way}{gain}")
    return "; ".join(gains)


def told(trial: Trial) -> str:
    """Say how a way did, in a line."""
    if trial.timing is None:
        return ""
    way = getattr(trial.pair, trial.part)
    timing = trial.timing
    return (
        f"{trial.part} by {way}: {timing.seconds * 1e3:.0f} ms, CPU "
        f"{timing.cpu_seconds * 1e3:.0f} ms"
    )
