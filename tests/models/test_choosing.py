"""What is remembered of how a model runs, what the user wants, and what follows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import napari_sam21 as sam
from napari_sam21.core.errors import Cancelled, ProviderError
from napari_sam21.core.providers.agreement import Agreement
from napari_sam21.core.providers.way import CPU, EXACT, FAST, Way
from napari_sam21.core.runtime import Cancellation
from napari_sam21.models.choosing import child, memory
from napari_sam21.models.choosing.choose import Chooser
from napari_sam21.models.choosing.memory import CRASHED, Memory
from napari_sam21.models.choosing.notices import notice, subscribe
from napari_sam21.models.choosing.pick import needs_both, pick, why_cpu
from napari_sam21.models.choosing.result import Findings, Pair, Timing, Trial
from napari_sam21.models.choosing.wish import VARIABLE, Wish, remember, wished

CUDA = Way("CUDAExecutionProvider")
CUDA_FAST = replace(CUDA, precision=FAST)
NPU = Way("OpenVINOExecutionProvider", "NPU", FAST, "onnxruntime_ep_openvino")
AUTOMATIC = Wish()


def timed(pair: Pair, ratio: float) -> Trial:
    timing = Timing(ratio, 1.0, 5, 0.5, 0.1)
    return Trial(pair, "", timing, Agreement(1.0, 0.0, 0.0, None, None))


def findings(*trials: Trial) -> Findings:
    return Findings(trials, (), True)


# --- a decision ------------------------------------------------------------------

FOUND = findings(
    timed(Pair(CUDA), 0.3),
    timed(Pair(CUDA_FAST), 0.2),
    timed(Pair(decoder=CUDA), 0.95),
    timed(Pair(decoder=NPU), 0.5),
    timed(Pair(NPU), 0.1),
)
TOGETHER = FOUND.with_trial(Trial(Pair(NPU, NPU)))


@pytest.mark.parametrize(
    ("found", "wish", "expected"),
    [
        (Findings(), AUTOMATIC, Pair()),
        (FOUND, Wish("cpu"), Pair()),
        (TOGETHER, AUTOMATIC, Pair(NPU, NPU)),
        (FOUND, AUTOMATIC, Pair(NPU)),  # not tried together
        (FOUND.with_trial(Trial(Pair(NPU), "hangs")), AUTOMATIC, Pair(CUDA_FAST)),
        (FOUND, Wish(precision=EXACT), Pair(CUDA)),
        (FOUND, Wish("cuda", EXACT), Pair(CUDA)),  # its decoder: not tried together
        (FOUND, Wish("openvino:gpu"), Pair()),
        (findings(timed(Pair(CUDA), 0.95)), AUTOMATIC, Pair()),  # not worth it
        (findings(timed(Pair(CUDA), 1.5)), Wish("cuda"), Pair(CUDA)),  # they said so
    ],
)
def test_what_serves(found: Findings, wish: Wish, expected: Pair) -> None:
    assert pick(found, wish) == expected


def test_the_winners_are_tried_together() -> None:
    assert needs_both(FOUND, AUTOMATIC) == Pair(NPU, NPU)
    assert needs_both(TOGETHER, AUTOMATIC) is None
    assert needs_both(FOUND, Wish("cpu")) is None


def test_why_a_wish_is_not_met() -> None:
    failed = findings(Trial(Pair(CUDA), "no memory"), Trial(Pair(decoder=CUDA), "too"))
    assert why_cpu(failed, Wish("cuda")) == (
        "cuda is set aside, the CPU serves: no memory"
    )
    assert "there is no webgpu on this machine" in why_cpu(FOUND, Wish("webgpu"))
    assert "was not tried with this model yet" in why_cpu(Findings(), Wish("cuda"))
    assert why_cpu(FOUND, AUTOMATIC) == why_cpu(FOUND, Wish("cuda")) == ""


# --- what the user wants ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Wish()),
        ("automatic", Wish(named=True)),
        ("CPU", Wish("cpu", named=True)),
        ("openvino:gpu, exact", Wish("openvino:gpu", EXACT, True)),
        (",exact", Wish(precision=EXACT, named=True)),
    ],
)
def test_the_environment(
    text: str, expected: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert wished() == expected


def test_a_wish_is_remembered_and_damage_is_borne(places: Path) -> None:
    remember(Wish("cuda", EXACT))
    assert wished() == Wish("cuda", EXACT)
    path = places / "config" / "provider.json"
    for text in ("", "[]", "{", '{"runs_on": 1, "precision": "fast"}', "null"):
        path.write_text(text, encoding="utf-8")
        assert wished() == Wish()


# --- memory ----------------------------------------------------------------------


def test_findings_come_back() -> None:
    kept = Memory("a" * 64, "b" * 64)
    assert kept.recall() == Findings()
    found = replace(TOGETHER, faults=(("onnxruntime_ep_x", "hangs"),))
    kept.keep(found)
    assert kept.recall() == found
    assert Memory("c" * 64, "b" * 64).recall() == Findings()
    kept.forget()
    assert kept.recall() == Findings()


def test_findings_of_other_versions_or_machines_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Memory("a", "b")
    kept.keep(TOGETHER)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "versions", lambda: {"onnxruntime": "99"})
        assert kept.recall() == Findings()
    with monkeypatch.context() as patch:
        patch.setattr("platform.node", lambda: "another")
        assert kept.recall() == Findings()
    assert kept.recall() == TOGETHER


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"trials": 3}', '{"trials": [{}], "faults": []}']
)
def test_damaged_memory_is_no_error(text: str) -> None:
    kept = Memory("a", "b")
    kept.keep(TOGETHER)
    kept.path.write_text(text, encoding="utf-8")
    assert kept.recall() == Findings()
    kept.keep(FOUND)
    assert kept.recall() == FOUND


def test_at_most_so_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT", 3)
    for number in range(6):
        Memory(str(number), "b").keep(FOUND)
    assert len(list(memory.folder().glob("*.json"))) == 3


def test_what_ended_napari_while_it_was_loaded_is_set_aside() -> None:
    kept = Memory("a", "b")
    kept.keep(TOGETHER)
    with kept.guarding(Pair(NPU)):
        assert pick(kept.recall(), AUTOMATIC) == Pair(NPU, NPU)  # it still runs
        (note,) = memory.folder().glob("*.loading")
        text = note.read_text(encoding="utf-8")
    assert not note.exists()
    note.write_text(
        json.dumps(json.loads(text) | {"process": 2**22 + 5}), encoding="utf-8"
    )
    found = kept.recall()
    assert pick(found, AUTOMATIC) == Pair(CUDA_FAST)
    assert found.of(Pair(NPU)) == Trial(Pair(NPU), CRASHED)
    note.write_text("{", encoding="utf-8")
    assert kept.recall() == TOGETHER
    kept.forget()
    assert not note.exists()


def test_notices_reach_who_listens() -> None:
    heard: list[str] = []
    end = subscribe(heard.append)
    notice("one")
    end()
    notice("two")
    assert heard == ["one"]


# --- a process of its own --------------------------------------------------------


def test_a_child_without_a_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for python, why in (("", "there is no Python"), ("/no/such", "can be started")):
        monkeypatch.setattr(sys, "executable", python)
        with pytest.raises(ProviderError, match=why):
            child.ask({}, Cancellation())


def test_a_child_says_what_it_said_last() -> None:
    with pytest.raises(ProviderError, match="exit code 1.*KeyError: 'model'"):
        child.ask({"nothing": 1}, Cancellation())


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    site = tmp_path / "site" / "onnxruntime_ep_slow"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("import time; time.sleep(600)", encoding="utf-8")
    (tmp_path / "request.json").write_text(
        json.dumps({"plugin": "onnxruntime_ep_slow"}), encoding="utf-8"
    )
    paths = os.pathsep.join([str(site.parent), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-m", child.MODULE, str(tmp_path)],
        stdin=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    with process:
        time.sleep(1)
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 1


def test_a_child_is_stopped_at_once(tiny_folder: Path, tmp_path: Path) -> None:
    cancel = Cancellation()
    request = {
        "model": {"path": str(tiny_folder)},
        "pair": Pair().as_dict(),
        "most": 10**6,
    }
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        child.ask(request, cancel)
    assert time.monotonic() - start < 20


def test_a_model_without_another_way_needs_no_child(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    found = Chooser(tiny_folder).run(Cancellation())
    assert found == Findings(complete=True)
    assert sam.load_model(tiny_folder, providers=None).ways == (CPU, CPU)
