"""A long job: told of, done, stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pump import PumpHost

from napari_sam21.control import errand as errand_module
from napari_sam21.control.errand import Errand

Tell = Callable[[str, int, int], None]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def host() -> PumpHost:
    return PumpHost()


@pytest.fixture
def failures() -> list[BaseException]:
    return []


@pytest.fixture
def errand(host, said, failures, monkeypatch) -> Errand:
    monkeypatch.setattr(errand_module, "TELL_SECONDS", 0.0)
    return Errand(
        "test", host.deliver, lambda text, _: said.append(text), failures.append
    )


def test_progress_and_result_arrive_in_the_owners_thread(errand, host, said) -> None:
    results: list[tuple[int, int]] = []
    me = threading.get_ident()
    started = threading.Event()

    def job(tell: Tell) -> int:
        tell("step", 1, 4)
        started.set()
        return threading.get_ident()

    errand.run("Doing", job, lambda r: results.append((r, threading.get_ident())))
    assert errand.busy
    host.until(lambda: results)
    assert results[0][0] != me
    assert results[0][1] == me
    assert said == ["Doing…", "Doing… 25 %"]
    assert not errand.busy


def test_cancelled_between_two_steps(errand, host, said, failures) -> None:
    steps: list[int] = []
    over = threading.Event()

    def job(tell: Tell) -> None:
        try:
            for number in range(1000):
                steps.append(number)
                tell("step", number, 1000)
                time.sleep(0.01)
        finally:
            over.set()

    errand.run("Doing", job, lambda _: said.append("done"))
    host.until(lambda: len(steps) > 2)
    assert errand.cancel()
    assert over.wait(5)
    host.turn()
    assert len(steps) < 1000
    assert "done" not in said
    assert not failures
    assert not errand.cancel(), "nothing is left to cancel"


def test_failure_is_told(errand, host, failures) -> None:
    def job(tell: Tell) -> None:
        raise OSError("the disk is full")

    errand.run("Doing", job, lambda _: None)
    host.until(lambda: failures)
    assert str(failures[0]) == "the disk is full"
