"""Ways to run a graph: names, options, agreement, and what is compiled and kept."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty import installed
from graphs import encoder

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError, ProviderError
from napari_sam21.core.providers.agreement import Agreement, compare, iou
from napari_sam21.core.providers.compiled import Compiled
from napari_sam21.core.providers.plugins import found_plugins, plugin_ways
from napari_sam21.core.providers.sessions import built_in_ways, threads
from napari_sam21.core.providers.table import BUILT_IN, PLUGINS, options_of, ways_of
from napari_sam21.core.providers.way import CPU, EXACT, FAST, Way, way_from
from napari_sam21.core.runtime import Graph
from napari_sam21.models import home
from napari_sam21.models.parts import compiled

OPENVINO = ways_of("OpenVINOExecutionProvider", "GPU.1", "onnxruntime_ep_openvino")
IMAGE = {"image": np.ones((1, 3, 1024, 1024), np.float32)}


# --- ways ------------------------------------------------------------------------


def test_a_way_in_words_in_settings_and_in_json() -> None:
    exact, fast = OPENVINO
    assert (exact.precision, fast.precision) == (EXACT, FAST)
    assert str(fast) == "OpenVINO on GPU.1, fast"
    assert fast.code == "OpenVINOExecutionProvider:GPU.1"
    assert way_from(json.loads(json.dumps(exact.as_dict()))) == exact


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("openvino", True),
        ("OpenVINOExecutionProvider", True),
        (" openvino:gpu.1 ", True),
        ("openvino:npu", False),
        ("cuda", False),
        ("", False),
    ],
)
def test_what_a_setting_means(wanted: str, meant: bool) -> None:
    assert OPENVINO[0].selects(wanted) == meant


@pytest.mark.parametrize(
    "found", [{}, {"provider": 1}, CPU.as_dict() | {"precision": "sloppy"}]
)
def test_what_is_no_way_is_refused(found: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="is no way to run a model"):
        way_from(found)


def test_exact_openvino_asks_for_float32_on_its_kind_of_device() -> None:
    told = json.loads(options_of(OPENVINO[0])["load_config"])
    assert told == {"GPU": {"INFERENCE_PRECISION_HINT": "f32"}}
    assert options_of(OPENVINO[1]) == {}


def test_options_are_texts_and_nothing_that_runs_elsewhere_is_tried() -> None:
    for known in (*BUILT_IN.values(), *PLUGINS.values()):
        for options in (*known.options.values(), *known.session.values()):
            assert all(isinstance(each, str) for each in options.values())
    assert "AzureExecutionProvider" not in BUILT_IN
    assert CPU not in built_in_ways()


def test_a_plugin_nobody_knows_counts_as_fast() -> None:
    (way,) = ways_of("NewExecutionProvider", "NPU", "onnxruntime_ep_new")
    assert way.precision == FAST
    assert options_of(way) == {}


def test_plugins_are_found_without_being_loaded(tmp_path: Path) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        installed("Honest", tmp_path, patch) as module,
    ):
        assert module in found_plugins()
        assert module not in sys.modules
        (way,) = plugin_ways(module)
        assert (way.provider, way.device) == ("HonestExecutionProvider", "GPU")


def test_a_plugin_can_be_named_by_the_caller(
    tmp_path: Path, tiny_folder: Path, image: np.ndarray
) -> None:
    with pytest.MonkeyPatch.context() as patch, installed("Honest", tmp_path, patch):
        model = sam.load_model(tiny_folder, providers=("HonestExecutionProvider",))
        assert "HonestExecutionProvider:GPU/" in model.encode(image).key
    with pytest.raises(ModelError, match="of plugins none"):
        sam.load_model(tiny_folder, providers=("HonestExecutionProvider",))


def test_a_plugin_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    module = tmp_path / "onnxruntime_ep_broken.py"
    module.write_text("import a_library_that_is_missing", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        with pytest.raises(ProviderError, match="onnxruntime_ep_broken cannot be load"):
            plugin_ways("onnxruntime_ep_broken")


def test_threads_are_cores_that_may_be_used() -> None:
    assert 1 <= threads() <= (os.cpu_count() or 1)


def test_onnxruntime_reports_nothing(tmp_path: Path) -> None:
    """Its builds keep and send reports unless told not to before the import."""
    code = (
        "from napari_sam21.core.providers.library import onnxruntime;"
        "onnxruntime().get_available_providers();"
        "import os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "1"
    assert not list(tmp_path.rglob("*"))


# --- agreement -------------------------------------------------------------------

GOOD = Agreement(0.9999, 1e-2, 1e-3, 0.995, 0.95)


@pytest.mark.parametrize(
    ("found", "precision", "why"),
    [
        (GOOD, FAST, ""),
        (GOOD, EXACT, "relative error"),
        (replace(GOOD, error=1e-6), EXACT, ""),
        (replace(GOOD, iou=None, worst_iou=None), FAST, ""),
        (replace(GOOD, correlation=0.99), FAST, "correlation"),
        (replace(GOOD, iou=0.98), FAST, "mask IoU"),
        (replace(GOOD, worst_iou=0.5), FAST, "a mask with IoU"),
        (replace(GOOD, score_change=0.5), FAST, "scores differ"),
    ],
)
def test_what_agrees(found: Agreement, precision: str, why: str) -> None:
    problem = found.problem(precision)
    assert problem.startswith(why)
    assert bool(problem) == bool(why)


def test_numbers_that_are_none_never_agree() -> None:
    good = np.arange(12, dtype=np.float32)
    bad = good.copy()
    bad[3] = np.nan
    for pairs, scores in (([(bad, good)], []), ([(good, good)], [(bad, good)])):
        assert compare([(good, good), *pairs], scores).problem(FAST)


def test_equal_outputs_agree_whatever_they_are() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(3, 40)).astype(np.float32)
    flat = np.zeros(7, np.float32)
    masks = [(noise > 0, noise > 0), (flat > 0, flat > 0)]
    found = compare([(noise, noise), (flat, flat)], [(noise, noise)], masks)
    assert found.problem(EXACT) == ""
    assert (found.iou, found.worst_iou, found.error) == (1.0, 1.0, 0.0)


def test_iou() -> None:
    a = np.array([1, 1, 0, 0], bool)
    b = np.array([1, 0, 1, 0], bool)
    assert iou(a, b) == pytest.approx(1 / 3)


# --- what is compiled and kept ---------------------------------------------------


def graph(source: Path | bytes, kept: Compiled | None, way: Way = CPU) -> Graph:
    return Graph(source, "encoder", way, compiled=kept)


def test_a_compiled_graph_gives_the_same_bits(tmp_path: Path) -> None:
    source = encoder().SerializeToString()
    kept = Compiled(tmp_path / "compiled")
    plain = graph(source, None).run(IMAGE, ["image_embed"])[0]
    for _ in range(2):  # made, then found
        found = graph(source, kept)
        np.testing.assert_array_equal(found.run(IMAGE, ["image_embed"])[0], plain)
        assert len(list(kept.folder.iterdir())) == 1
    assert found.signature == graph(source, None).signature


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_what_is_damaged_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    source = encoder().SerializeToString()
    kept = Compiled(tmp_path / "compiled")
    graph(source, kept)
    (path,) = kept.folder.iterdir()
    good = path.read_bytes()
    path.write_bytes(good[:-40] + bytes(40) if damage is None else damage)
    graph(source, kept)
    (again,) = kept.folder.iterdir()
    digest = hashlib.sha256(again.read_bytes()).hexdigest()
    assert again.name.split(".")[1] == digest


def test_other_models_and_other_ways_are_kept_apart(tmp_path: Path) -> None:
    kept = Compiled(tmp_path / "compiled")
    for seed in range(3):
        graph(encoder(seed).SerializeToString(), kept)
    assert len(list(kept.folder.iterdir())) == 3


def test_the_longest_unused_go_first(tmp_path: Path) -> None:
    sources = [encoder(seed).SerializeToString() for seed in range(3)]
    kept = Compiled(tmp_path / "compiled")
    graph(sources[0], kept)
    (first,) = kept.folder.iterdir()
    os.utime(first, (1, 1))
    small = replace(kept, budget=first.stat().st_size * 2 + 100)
    for source in sources[1:]:
        graph(source, small)
    assert not first.exists()
    assert len(list(kept.folder.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    taken = tmp_path / "compiled"
    taken.write_text("a file", encoding="utf-8")
    found = graph(encoder().SerializeToString(), Compiled(taken))
    assert found.run(IMAGE, ["image_embed"])[0].shape == (1, 256, 64, 64)


def test_a_damaged_model_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    kept = Compiled(tmp_path / "compiled")
    with pytest.raises(ModelError, match="damaged"):
        graph(b"nonsense", kept)
    assert not list(kept.folder.iterdir())


def test_nothing_is_compiled_where_nothing_is_to_be_cached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert compiled() == Compiled(home.own_cache() / "compiled")
    monkeypatch.setenv(home.CACHE_VARIABLE, home.OFF)
    assert compiled() is None
