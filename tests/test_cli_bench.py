"""``napari-sam21 bench``, and what ``doctor`` says of providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from faulty import installed
from typer.testing import CliRunner

from napari_sam21 import doctor
from napari_sam21.cli import app
from napari_sam21.models.choosing.memory import Memory
from napari_sam21.models.choosing.result import Findings, Pair, Trial
from napari_sam21.models.choosing.wish import VARIABLE
from napari_sam21.models.weights import model_parts

WIDE = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments, env=WIDE)


def test_bench_where_there_is_only_the_cpu() -> None:
    done = call("bench", "starter")
    assert done.exit_code == 0, done.stderr
    assert "There is no other way than the CPU" in done.stdout
    assert "The model runs on: CPU, exact float32" in done.stdout


def test_bench_tells_what_was_set_aside(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, installed("Raiser", tmp_path, patch):
        patch.setenv(VARIABLE, "raiser")
        done = call("bench", str(tiny_folder))
        assert done.exit_code == 0, done.stderr
        assert "set aside: Raiser on GPU cannot run the encoder" in done.stdout
        assert "raiser is set aside, the CPU serves" in done.stderr
        known = json.loads(call("bench", str(tiny_folder), "--known", "--json").stdout)
    assert known["chosen"]["encoder"]["provider"] == "CPUExecutionProvider"
    assert [each["part"] for each in known["trials"]] == ["encoder", "decoder"]
    assert not any(each["passed"] for each in known["trials"])


def test_bench_of_a_model_that_is_not_there() -> None:
    done = call("bench", "nowhere")
    assert done.exit_code == 1
    assert "nowhere" in done.stderr


def test_doctor_tells_plugins_and_the_choice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.plugins() == {}
    assert doctor.runs_on() == "starter: CPU, exact float32"
    with (
        pytest.MonkeyPatch.context() as patch,
        installed("Hanger", tmp_path, patch) as module,
    ):
        assert doctor.plugins() == {module: ""}
        assert "not all is tried yet" in doctor.runs_on()
        memory: Memory = model_parts("starter").memory
        memory.keep(Findings((Trial(Pair(), "no"),), ((module, "hangs"),), True))
        assert f"set aside: {module}: hangs" in doctor.runs_on()
    monkeypatch.setenv(VARIABLE, "cuda,exact")
    assert "wished: cuda, exact float32" in doctor.runs_on()
