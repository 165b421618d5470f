"""Two lanes around one model: real threads, a real tiny model, a pumped owner."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import write_model
from pump import PumpHost

import napari_sam21 as sam
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.errors import EmbeddingMismatchError, ImageError, ModelError
from napari_sam21.core.preprocess import ModelInput, prepare
from napari_sam21.core.store import EmbeddingStore, MemoryStore, encode_stored
from napari_sam21.inference import Inference
from napari_sam21.models import loading
from napari_sam21.models.keeping import shared_store

CLICK = sam.Prompts([(40, 50)], [1])
OTHER = sam.Prompts([(80, 150)], [1])
PATIENCE = 30.0


def opened() -> threading.Event:
    gate = threading.Event()
    gate.set()
    return gate


@dataclass
class Pixels:
    """Something to embed; notes the threads that read it, and waits at a gate."""

    token: str
    image: np.ndarray
    gate: threading.Event = field(default_factory=opened)
    reading: threading.Event = field(default_factory=threading.Event)
    readers: list[str] = field(default_factory=list)

    @property
    def look(self) -> dict[str, str]:
        return {"mode": "shown", "layer": self.token}

    def read(self) -> ModelInput:
        self.readers.append(threading.current_thread().name)
        self.reading.set()
        assert self.gate.wait(PATIENCE)
        return prepare(self.image)


class Office:
    """An `Inference`, its owner, and all that it was told."""

    def __init__(self, model: Path) -> None:
        self.host, self.store = PumpHost(), MemoryStore()
        self.inference = Inference(self.host.deliver, self.store)
        self.inference.use(model)
        self.embeddings: list[Embedding] = []
        self.answers: list[Answer] = []
        self.failures: list[BaseException] = []

    def prepare(self, source: Pixels) -> None:
        self.inference.prepare(source, self.embeddings.append, self.failures.append)

    def prepared(self, source: Pixels) -> Embedding:
        self.prepare(source)
        self.host.until(lambda: not self.inference.encoding)
        return self.embeddings[-1]

    def ask(
        self, embedding: Embedding, prompts: sam.Prompts, previous: Any = None
    ) -> None:
        self.inference.ask(
            embedding, prompts, previous, self.answers.append, self.failures.append
        )

    def rest(self) -> None:
        """Take everything that comes until nothing is on its way."""
        self.host.until(
            lambda: not (self.inference.encoding or self.inference.decoding)
        )


@pytest.fixture
def office(tiny_folder: Path) -> Iterator[Office]:
    office = Office(tiny_folder)
    yield office
    office.inference.close()


@pytest.fixture
def source(image: np.ndarray) -> Pixels:
    return Pixels("a", image)


@pytest.fixture
def make_slow() -> Iterator[Callable[[Pixels], Pixels]]:
    """Close the gate of a source; opened again in the end, whatever happens."""
    gates: list[threading.Event] = []

    def close(source: Pixels) -> Pixels:
        source.gate = threading.Event()
        gates.append(source.gate)
        return source

    yield close
    for gate in gates:
        gate.set()


def test_a_source_is_read_and_embedded_off_the_callers_thread(
    office: Office, source: Pixels, tiny: sam.Model
) -> None:
    assert office.inference.ready(source) is None
    embedding = office.prepared(source)
    assert office.inference.ready(source) is embedding
    assert embedding.key == tiny.key(prepare(source.image))
    assert source.readers[0].startswith("sam21-encode")
    assert office.failures == []


def test_a_question_is_answered(
    office: Office, source: Pixels, tiny: sam.Model
) -> None:
    embedding = office.prepared(source)
    office.ask(embedding, CLICK)
    assert office.inference.decoding
    office.rest()
    (answer,) = office.answers
    np.testing.assert_array_equal(answer.logits, tiny.decode(embedding, CLICK).logits)


def test_the_previous_answer_is_fed_back(office: Office, source: Pixels) -> None:
    embedding = office.prepared(source)
    office.ask(embedding, CLICK)
    office.rest()
    office.ask(embedding, CLICK, office.answers[0])
    office.rest()
    first, second = office.answers
    fed = np.clip(first.logits[first.index], -32, 32)
    np.testing.assert_allclose(second.logits, first.logits + fed / 4, atol=1e-3)


def test_the_same_source_is_not_embedded_twice_at_once(
    office: Office, source: Pixels, make_slow: Callable[[Pixels], Pixels]
) -> None:
    make_slow(source)
    for _ in range(3):
        office.prepare(source)
        assert source.reading.wait(PATIENCE)
    source.gate.set()
    office.rest()
    assert len(source.readers) == len(office.embeddings) == 1


def test_the_newest_source_wins(
    office: Office, source: Pixels, make_slow: Callable[[Pixels], Pixels]
) -> None:
    office.prepare(make_slow(source))
    assert source.reading.wait(PATIENCE)
    skipped, newest = (
        Pixels(token, source.image[:, ::-1]) for token in ("skipped", "newest")
    )
    office.prepare(skipped)
    office.prepare(newest)
    source.gate.set()
    office.rest()
    assert (skipped.readers, len(newest.readers)) == ([], 1)
    assert office.embeddings == [office.inference.ready(newest)]
    assert office.inference.ready(source) is None


def test_a_question_does_not_wait_for_an_encode(
    office: Office, source: Pixels, make_slow: Callable[[Pixels], Pixels]
) -> None:
    embedding = office.prepared(source)
    slow = make_slow(Pixels("slow", source.image[::-1]))
    office.prepare(slow)
    assert slow.reading.wait(PATIENCE)
    office.ask(embedding, CLICK)
    office.host.until(lambda: office.answers)
    assert office.inference.encoding


def test_the_newest_question_wins(
    office: Office, source: Pixels, tiny: sam.Model
) -> None:
    embedding = office.prepared(source)
    for prompts in (CLICK, CLICK, OTHER):
        office.ask(embedding, prompts)
    office.rest()
    (answer,) = office.answers
    np.testing.assert_array_equal(answer.logits, tiny.decode(embedding, OTHER).logits)


def test_coming_back_encodes_nothing(office: Office, source: Pixels) -> None:
    other = Pixels("b", source.image[::-1])
    features = [office.prepared(each).features for each in (source, other, source)]
    assert features[0] is features[2]
    assert features[0] is not features[1]


def test_an_embedding_in_the_store_is_not_made_again(
    office: Office, source: Pixels, tiny: sam.Model
) -> None:
    stored = encode_stored(tiny, prepare(source.image), office.store)
    assert office.prepared(source).features is stored.features


def test_equal_pixels_under_another_name_share_an_embedding(
    office: Office, source: Pixels
) -> None:
    twin = Pixels("twin", source.image.copy())
    assert office.prepared(source).features is office.prepared(twin).features


def test_the_model_is_loaded_once(
    office: Office, source: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []

    def load(name: Any, **options: Any) -> sam.Model:
        loaded.append(name)
        return sam.load_model(name, **options)

    monkeypatch.setattr(loading, "load_model", load)
    for token in "abc":
        office.prepared(Pixels(token, source.image))
    assert loaded == [office.inference.model_name]


# --- another model ---------------------------------------------------------------


def test_another_model_forgets_what_was_ready(
    office: Office, source: Pixels, tmp_path: Path
) -> None:
    first = office.prepared(source)
    other = write_model(tmp_path / "other", seed=1)
    office.inference.use(other)
    assert office.inference.model_name == other
    assert office.inference.ready(source) is None
    second = office.prepared(source)
    assert second.model_id != first.model_id
    office.ask(first, CLICK)
    office.rest()
    (failure,) = office.failures
    assert isinstance(failure, EmbeddingMismatchError)
    assert office.answers == []


def test_another_model_drops_what_is_on_its_way(
    office: Office,
    source: Pixels,
    make_slow: Callable[[Pixels], Pixels],
    tmp_path: Path,
) -> None:
    office.prepare(make_slow(source))
    assert source.reading.wait(PATIENCE)
    office.inference.use(write_model(tmp_path / "other", seed=1))
    assert not office.inference.encoding
    source.gate.set()
    late = office.prepared(Pixels("b", source.image))
    assert office.embeddings == [late]
    assert late.model_id == sam.load_model(tmp_path / "other").model_id
    assert office.inference.ready(source) is None


def test_without_a_model_nothing_is_asked(
    office: Office, tiny: sam.Model, image: np.ndarray
) -> None:
    office.ask(tiny.encode(image), CLICK)
    assert not office.inference.decoding
    assert office.answers == office.failures == []


# --- what goes wrong -------------------------------------------------------------


def test_a_model_that_cannot_be_loaded_is_said(
    office: Office, source: Pixels, tmp_path: Path, tiny_folder: Path
) -> None:
    office.inference.use(tmp_path / "nowhere")
    office.prepare(source)
    office.rest()
    (failure,) = office.failures
    assert isinstance(failure, ModelError)
    assert "nowhere does not exist" in str(failure)
    office.inference.use(tiny_folder)  # and the next one works
    assert office.prepared(source) is office.inference.ready(source)


def test_pixels_that_cannot_be_used_are_said_every_time(
    office: Office, source: Pixels
) -> None:
    bad = Pixels("bad", np.full((4, 4), np.nan))
    for _ in range(2):
        office.prepare(bad)
        office.rest()
    assert [type(failure) for failure in office.failures] == [ImageError] * 2
    assert office.prepared(source) is not None


# --- stopping --------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["cancel", "close"])
def test_what_is_on_its_way_is_dropped(
    stop: str,
    office: Office,
    source: Pixels,
    make_slow: Callable[[Pixels], Pixels],
) -> None:
    office.prepare(make_slow(source))
    assert source.reading.wait(PATIENCE)
    getattr(office.inference, stop)()
    assert not office.inference.encoding
    source.gate.set()
    with pytest.raises(TimeoutError):
        office.host.until(lambda: office.embeddings or office.failures, timeout=0.3)


def test_a_question_can_be_forgotten(office: Office, source: Pixels) -> None:
    embedding = office.prepared(source)
    office.ask(embedding, CLICK)
    office.inference.forget_question()
    assert not office.inference.decoding
    office.ask(embedding, OTHER)
    office.rest()
    assert len(office.answers) == 1
    assert office.answers[0].mask()[80, 150]


def test_all_viewers_share_one_store() -> None:
    assert shared_store() is shared_store()


# --- the store of the process ----------------------------------------------------


def kept_on_disk(store: EmbeddingStore) -> int:
    assert store.flush(PATIENCE)
    return 0 if store.disk is None else store.disk.nbytes


def test_the_shared_store_keeps_embeddings_in_the_users_cache(
    tiny: sam.Model, image: np.ndarray, places: Path
) -> None:
    store = shared_store()
    assert not (places / "cache").exists(), "nothing is made before it is needed"
    made = encode_stored(tiny, prepare(image), store)
    assert kept_on_disk(store) > made.nbytes
    assert store.disk.folder == places / "cache" / "embeddings"


def test_the_variable_moves_the_embeddings(
    tiny: sam.Model,
    image: np.ndarray,
    places: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NAPARI_SAM21_CACHE", str(tmp_path / "scratch"))
    store = shared_store()
    encode_stored(tiny, prepare(image), store)
    assert kept_on_disk(store)
    assert store.disk.folder == tmp_path / "scratch" / "embeddings"
    assert not (places / "cache").exists()


def test_the_variable_keeps_the_disk_out(
    tiny: sam.Model, image: np.ndarray, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_SAM21_CACHE", "off")
    store = shared_store()
    encode_stored(tiny, prepare(image), store)
    assert store.disk is None
    assert kept_on_disk(store) == 0
    assert not (places / "cache").exists()


CHILD = """
import sys
from pathlib import Path
import numpy as np
import napari_sam21 as sam
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.store import encode_stored
from napari_sam21.models.keeping import shared_store
image = np.arange(600, dtype=np.uint8).reshape(20, 30)
encode_stored(sam.load_model(Path(sys.argv[1])), prepare(image), shared_store())
"""


def test_a_session_that_ends_at_once_still_keeps_its_embedding(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_SAM21_CACHE", str(tmp_path / "scratch"))
    subprocess.run([sys.executable, "-c", CHILD, str(tiny_folder)], check=True)
    names = [path.name for path in (tmp_path / "scratch" / "embeddings").iterdir()]
    assert len(names) == 1
    assert not names[0].startswith(".part-")


def test_the_owner_is_told_when_the_disk_fails(
    tiny_folder: Path, image: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    host, told = PumpHost(), []
    store = EmbeddingStore(MemoryStore(), DiskStore(tmp_path / "file"))
    inference = Inference(host.deliver, store)
    inference.listen(lambda message: told.append((message, threading.current_thread())))
    inference.use(tiny_folder)
    ready: list[Embedding] = []
    for number in range(2):
        source = Pixels(str(number), image[number:])
        inference.prepare(source, ready.append, pytest.fail)
        host.until(lambda number=number: len(ready) > number)
    host.until(lambda: told)
    assert store.flush(PATIENCE)
    host.turn()
    assert told == [(store.disk.problem, threading.current_thread())]
    inference.close()


def test_a_guess_keeps_no_model_that_is_not_in_use(
    office: Office, source: Pixels, tiny_folder: Path
) -> None:
    embedding, told = office.prepared(source), []
    office.inference.foretell(embedding, CLICK, done=told.append)
    office.host.until(lambda: told)
    model = weakref.ref(office.inference.loaded)
    assert model() is not None
    office.inference.use(tiny_folder)

    def is_gone() -> bool:
        gc.collect()
        return model() is None

    office.host.until(is_gone)
