"""Files that cannot be run, and runs that are stopped."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from graphs import OPSET, encoder
from onnx import TensorProto, helper, numpy_helper

from napari_sam21.core.errors import Cancelled, ModelError
from napari_sam21.core.providers.sessions import way_of
from napari_sam21.core.runtime import Cancellation, Graph

PATIENCE = 60.0
SHAPE = [1, 4, 32, 32]


def loop(turns: int) -> bytes:
    """A graph that convolves its input so many times; with 2**40 it never ends."""
    number, state = helper.make_tensor_value_info, TensorProto.FLOAT
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Conv", ["x", "weight"], ["blurred"], pads=[1] * 4),
        ],
        "turn",
        [
            number("i", TensorProto.INT64, []),
            number("go", TensorProto.BOOL, []),
            number("x", state, SHAPE),
        ],
        [number("go_on", TensorProto.BOOL, []), number("blurred", state, SHAPE)],
    )
    constants = {
        "turns": np.array(turns, np.int64),
        "weight": np.full((4, 4, 3, 3), 1 / 36, np.float32),
    }
    graph = helper.make_graph(
        [helper.make_node("Loop", ["turns", "", "start"], ["end"], body=body)],
        "loop",
        [number("start", state, SHAPE)],
        [number("end", state, SHAPE)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


START = {"start": np.ones(SHAPE, np.float32)}


@pytest.fixture(scope="module")
def endless() -> Graph:
    return Graph(loop(2**40), "the endless graph")


@pytest.fixture
def outcome_of() -> Callable[..., list[object]]:
    """Run something in a thread that cannot hang the tests; returns its outcome."""

    def start(call: Callable[[], object], meanwhile: Callable[[], None]) -> list:
        outcome: list[object] = []

        def work() -> None:
            try:
                outcome.append(call())
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        meanwhile()
        thread.join(PATIENCE)
        return outcome

    return start


# --- loading ---------------------------------------------------------------------


def test_digest_and_signature_of_a_file(tmp_path: Path) -> None:
    content = encoder().SerializeToString()
    path = tmp_path / "encoder.onnx"
    path.write_bytes(content)
    from_file, from_memory = Graph(path, "it"), Graph(content, "it")
    assert from_file.digest == from_memory.digest == hashlib.sha256(content).hexdigest()
    version = onnxruntime.__version__
    assert from_file.signature == f"CPUExecutionProvider/{version}/float32"


def test_names_dtypes_and_shapes_are_read() -> None:
    found = Graph(encoder().SerializeToString(), "it")
    assert {name: str(tensor) for name, tensor in found.inputs.items()} == {
        "image": "float32 [1, 3, 1024, 1024]"
    }
    assert str(found.outputs["image_embed"]) == "float32 [1, 256, 64, 64]"


DAMAGED = {
    "empty": b"",
    "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n",
    "truncated": encoder().SerializeToString()[:2000],
    "zeros": bytes(5000),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("in_memory", [False, True], ids=["file", "memory"])
def test_damaged_files_are_refused(
    content: bytes, in_memory: bool, tmp_path: Path
) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(content)
    source = (path, content)[in_memory]
    with pytest.raises(ModelError, match="encoder of 'x' is not an ONNX model or is d"):
        Graph(source, "encoder of 'x'")


@pytest.mark.parametrize("name", ["missing.onnx", "."], ids=["missing", "folder"])
def test_a_path_that_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it cannot be read \(.+\); check the path"):
        Graph(tmp_path / name, "it")


@pytest.mark.parametrize("providers", [("NoSuchProvider",), ()])
def test_unknown_providers_are_refused(providers: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="it has .*CPUExecutionProvider"):
        way_of(providers)


# --- running ---------------------------------------------------------------------


def test_inputs_that_do_not_fit_are_a_model_error() -> None:
    with pytest.raises(ModelError, match="the graph failed to run: .*start"):
        Graph(loop(1), "the graph").run({"start": np.ones((1, 4, 3, 3), "f4")}, ["end"])


def test_a_run_that_ends_is_not_disturbed_by_a_cancellation_nobody_asks_for() -> None:
    cancellation = Cancellation()
    (found,) = Graph(loop(3), "it").run(START, ["end"], cancellation)
    assert found.shape == tuple(SHAPE)
    assert not cancellation.wished


def test_cancelled_before_the_run(endless: Graph, outcome_of) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    (outcome,) = outcome_of(
        lambda: endless.run(START, ["end"], cancellation), lambda: None
    )
    assert isinstance(outcome, Cancelled)
    assert cancellation.wished


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.3])
def test_cancelled_during_the_run(
    delay: float, endless: Graph, outcome_of, capfd: pytest.CaptureFixture[str]
) -> None:
    cancellation = Cancellation()
    wait = threading.Event()

    def cancel() -> None:
        wait.wait(delay)
        cancellation.cancel()

    (outcome,) = outcome_of(lambda: endless.run(START, ["end"], cancellation), cancel)
    assert isinstance(outcome, Cancelled)
    assert capfd.readouterr().err == ""  # a wish is no error to shout about


def test_one_wish_stops_every_later_run(endless: Graph) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    for _ in range(2):
        with pytest.raises(Cancelled):
            endless.run(START, ["end"], cancellation)


def test_a_graph_runs_again_after_a_cancelled_run(outcome_of) -> None:
    graph = Graph(loop(2000), "it")
    cancellation = Cancellation()
    outcome_of(lambda: graph.run(START, ["end"], cancellation), cancellation.cancel)
    (found,) = graph.run(START, ["end"], Cancellation())
    assert np.isfinite(found).all()


def test_cancelling_one_run_leaves_another_alone(endless: Graph, outcome_of) -> None:
    stopped, free = Cancellation(), Cancellation()
    other = Graph(loop(2000), "it")
    (outcome,) = outcome_of(lambda: other.run(START, ["end"], free), stopped.cancel)
    assert isinstance(outcome, list)
