"""One job runs, the newest waits, late answers drop: real threads, a pumped owner."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from owning import PATIENCE, Job, Owner

from napari_sam21.core.errors import Cancelled
from napari_sam21.core.lanes import Lane


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def lane(owner: Owner) -> Iterator[Lane]:
    lane = Lane("test-lane", owner.deliver)
    yield lane
    lane.close()


@pytest.fixture
def heard() -> list[object]:
    """What was delivered: results and errors, in order."""
    return []


def submit(lane: Lane, job: Job, heard: list[object]) -> Job:
    lane.submit(job, heard.append, heard.append)
    return job


def started(job: Job) -> Job:
    assert job.started.wait(PATIENCE)
    return job


def test_a_result_is_delivered_in_the_owner_thread(lane, owner, heard) -> None:
    threads: list[str] = []
    job = Job("a")
    job.released.set()
    lane.submit(
        job,
        lambda result: threads.append(threading.current_thread().name),
        heard.append,
    )
    assert lane.busy
    owner.take(1)
    assert threads == [threading.current_thread().name]
    assert job.thread.startswith("test-lane")
    assert not lane.busy
    assert heard == []


def test_nothing_happens_in_the_owner_until_it_takes_the_call(lane, owner, heard):
    job = submit(lane, Job("a"), heard)
    job.released.set()
    while not owner.waiting:
        job.started.wait(0.01)
    assert heard == []
    assert lane.busy
    owner.take(1)
    assert heard == ["a"]


def test_the_newest_wins_and_only_it_waits(lane, owner, heard) -> None:
    first = started(submit(lane, Job("first"), heard))
    middle = [submit(lane, Job(f"middle {n}"), heard) for n in range(3)]
    last = submit(lane, Job("last"), heard)
    for job in (first, *middle, last):
        job.released.set()
    owner.take(5)
    assert heard == ["last"]
    assert first.wished  # the one that ran was told to stop
    assert not any(job.started.is_set() for job in middle)
    assert not last.wished


def test_only_one_runs_at_a_time(lane, owner, heard) -> None:
    first = started(submit(lane, Job("first"), heard))
    second = submit(lane, Job("second"), heard)
    assert not second.started.wait(0.05)
    first.released.set()
    started(second).released.set()
    owner.take(2)
    assert heard == ["second"]


def test_an_answer_on_its_way_is_dropped_when_a_newer_request_comes(
    lane, owner, heard
) -> None:
    first = submit(lane, Job("first"), heard)
    first.released.set()
    while not owner.waiting:
        first.started.wait(0.01)
    second = submit(lane, Job("second"), heard)  # before the owner took the answer
    second.released.set()
    owner.take(2)
    assert heard == ["second"]


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError()])
def test_errors_are_delivered(error: BaseException, lane, owner) -> None:
    results, failures = [], []
    job = Job("a", error)
    job.released.set()
    lane.submit(job, results.append, failures.append)
    owner.take(1)
    assert (results, failures) == ([], [error])
    assert not lane.busy


def test_a_late_error_is_dropped(lane, owner, heard) -> None:
    first = started(submit(lane, Job("first", ValueError("old")), heard))
    second = submit(lane, Job("second"), heard)
    first.released.set()
    second.released.set()
    owner.take(2)
    assert heard == ["second"]


def test_being_cancelled_is_silent(lane, owner, heard) -> None:
    submit(lane, Job("a", Cancelled("cancelled")), heard).released.set()
    owner.take(1)
    assert heard == []
    assert not lane.busy


def test_cancel_stops_and_forgets(lane, owner, heard) -> None:
    job = started(submit(lane, Job("a"), heard))
    lane.cancel()
    assert not lane.busy
    job.released.set()
    owner.take(1)
    assert job.wished
    assert heard == []


def test_a_lane_works_after_an_error_and_after_a_cancel(lane, owner, heard) -> None:
    submit(lane, Job("a", ValueError("no")), []).released.set()
    owner.take(1)
    lane.cancel()
    submit(lane, Job("b"), heard).released.set()
    owner.take(1)
    assert heard == ["b"]


def test_two_lanes_do_not_wait_for_each_other(lane, owner, heard) -> None:
    slow = started(submit(lane, Job("encode"), heard))
    other = Lane("other-lane", owner.deliver)
    submit(other, Job("decode"), heard).released.set()
    owner.take(1)
    assert heard == ["decode"]
    slow.released.set()
    owner.take(1)
    assert heard == ["decode", "encode"]
    other.close()


def test_close_lets_the_thread_end_and_delivers_nothing(lane, owner, heard) -> None:
    job = started(submit(lane, Job("a"), heard))
    (thread,) = (each for each in threading.enumerate() if each.name == job.thread)
    lane.close()
    job.released.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    owner.take(owner.waiting)
    assert heard == []


def test_close_while_one_waits(lane, owner, heard) -> None:
    running = started(submit(lane, Job("a"), heard))
    waiting = submit(lane, Job("b"), heard)
    lane.close()
    running.released.set()
    owner.take(2)
    assert heard == []
    assert not waiting.started.is_set()
