"""The newest question is taken, without waiting for whoever asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from owning import PATIENCE, Job, Owner

from napari_sam21.core.chase import Chase, Question


def is_done(chase: Chase) -> None:
    end = time.monotonic() + PATIENCE
    while chase.working:
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def chase(owner: Owner) -> Iterator[Chase]:
    chase = Chase("test-chase", owner.deliver)
    yield chase
    chase.close()


@pytest.fixture
def ask(chase: Chase, owner: Owner) -> Callable[[Job], Job]:
    def ask(job: Job) -> Job:
        chase.ask(Question(job, owner.heard.append, owner.heard.append))
        return job

    return ask


def test_the_worker_goes_on_while_its_owner_is_busy(chase, owner, ask) -> None:
    first, second, third = ask(Job("first")), Job("second"), Job("third")
    first.has_started()
    ask(second), ask(third)
    first.released.set()
    third.has_started()  # though nobody heard of the first yet
    assert not second.started.is_set(), "a newer one had come"
    assert owner.heard == []
    owner.take()
    assert owner.heard == ["first"]
    third.released.set()
    owner.take()
    assert owner.heard == ["first", "third"]
    is_done(chase)


def test_an_owner_who_is_late_hears_the_newest_answer_only(chase, owner, ask) -> None:
    first = ask(Job("first"))
    first.has_started()
    second = ask(Job("second"))
    first.released.set()
    second.has_started()
    second.released.set()
    is_done(chase)
    assert owner.waiting == 1
    owner.take()
    assert owner.heard == ["second"]


def test_what_is_forgotten_is_not_heard(chase, owner, ask) -> None:
    first = ask(Job("first"))
    first.has_started()
    waits = ask(Job("waits"))
    chase.forget()
    newer = ask(Job("newer"))
    first.released.set()
    newer.has_started()
    newer.released.set()
    owner.take()
    assert owner.heard == ["newer"]
    assert not waits.started.is_set()


def test_an_answer_on_its_way_is_forgotten_too(chase, owner, ask) -> None:
    ask(Job("first")).released.set()
    call = owner._calls.get(timeout=PATIENCE)
    chase.forget()
    call()
    assert owner.heard == []


def test_a_failure_is_told_and_the_worker_goes_on(chase, owner, ask) -> None:
    error = ValueError("no")
    ask(Job("bad", error)).released.set()
    owner.take()
    ask(Job("good")).released.set()
    owner.take()
    assert owner.heard == [error, "good"]


def test_it_works_in_its_own_thread(chase, owner) -> None:
    names: list[str] = []

    def job() -> None:
        names.append(threading.current_thread().name)

    chase.ask(Question(job, owner.heard.append, owner.heard.append))
    owner.take()
    assert names[0].startswith("test-chase")
