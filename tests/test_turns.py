"""Work in turns: a little at a time, all of it on demand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from pump import PumpHost

from napari_sam21.control import turns
from napari_sam21.control.turns import Turns


def slow(seen: list[int], count: int) -> Iterator[None]:
    for number in range(count):
        seen.append(number)
        time.sleep(turns.TURN_SECONDS)
        yield


def test_short_work_is_done_at_once() -> None:
    seen: list[str] = []
    Turns(PumpHost().soon).start(iter([None] * 3), lambda: seen.append("done"))
    assert seen == ["done"]


def test_long_work_lets_others_have_their_turn() -> None:
    host, seen, ends = PumpHost(), [], []
    work = Turns(host.soon)
    work.start(slow(seen, 4), lambda: ends.append(len(seen)))
    assert len(seen) == 1
    assert work.busy
    host.until(lambda: ends)
    assert ends == [4]
    assert not work.busy


def test_who_cannot_wait_has_it_finished() -> None:
    host, seen, ends = PumpHost(), [], []
    work = Turns(host.soon)
    work.start(slow(seen, 3), lambda: ends.append(1))
    work.finish()
    assert (len(seen), ends) == (3, [1])
    host.turn()  # the turn that was still to come does nothing
    assert (len(seen), ends) == (3, [1])


def test_the_next_work_waits_for_none_and_mixes_with_none() -> None:
    host, first, second, ends = PumpHost(), [], [], []
    work = Turns(host.soon)
    work.start(slow(first, 3), lambda: ends.append("first"))
    work.start(slow(second, 3), lambda: ends.append("second"))
    assert len(first) == 3
    host.until(lambda: len(ends) == 2)
    assert ends == ["first", "second"]


def test_what_fails_is_over() -> None:
    def broken() -> Iterator[None]:
        yield
        raise RuntimeError("no")

    work = Turns(PumpHost().soon)
    with pytest.raises(RuntimeError):
        work.start(broken(), lambda: None)
    assert not work.busy
