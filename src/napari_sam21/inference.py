"""Asks the core in two lanes, and knows which embeddings are ready: no napari."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from psygnal import Signal

from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.errors import Cancelled
from napari_sam21.core.fill import fill
from napari_sam21.core.foretold import Foretold
from napari_sam21.core.lanes import Deliver, Lane
from napari_sam21.core.preprocess import ModelInput
from napari_sam21.core.prompts import Prompts
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model, Previous
from napari_sam21.core.store import (
    EmbeddingStore,
    Store,
    Tell,
    encode_stored,
)
from napari_sam21.core.witness import Witness
from napari_sam21.models.choosing import notices
from napari_sam21.models.choosing.result import Pair
from napari_sam21.models.loading import Loader, told_when_asked, warm_model

T = TypeVar("T")
Job = Callable[[Model, ModelInput, Cancellation], T]
Failed = Callable[[BaseException], None]


class Source(Protocol):
    """Something that can be embedded; equal tokens mean equal pixels."""

    @property
    def token(self) -> Hashable:
        """What tells this view of some pixels from every other one."""

    @property
    def look(self) -> Mapping[str, Any]:
        """How the pixels become a picture, in plain values."""

    def read(self) -> ModelInput:
        """Read and prepare the pixels, in the calling thread."""


class Inference:
    """One model at a time, an encode lane and a decode lane.

    Parameters
    ----------
    deliver : callable
        Runs a call in the thread that owns the layers.
    store : Store

    Attributes
    ----------
    asked : Signal
        Somebody waits for something, or does not any more.
    witness : Witness
        Knows by its key how an embedding was made.
    answered : bool
    """

    asked = Signal()

    def __init__(self, deliver: Deliver, store: Store) -> None:
        self._encoding = Lane("sam21-encode", deliver)
        self._decoding = Lane("sam21-decode", deliver)
        self._foretold = Foretold("sam21-hover", deliver)
        self._reading = Lane("sam21-read", deliver)  # what nobody waits for
        self._deliver = deliver
        self._store = store
        self.witness = Witness()
        self._unsubscribe: list[Callable[[], None]] = []
        self._model: Model | None = None
        self._choice = 0  # number of the choice of a model
        self._loader = Loader(self.witness.met)
        self._name: str | Path = "starter"
        self._ready: WeakValueDictionary[Hashable, Embedding] = WeakValueDictionary()
        self._kept: Embedding | None = None
        self._pending: Hashable = None
        self._unused: set[str] = set()  # keys made on the off chance
        self.answered = False

    @property
    def store(self) -> Store:
        """Where embeddings are kept."""
        return self._store

    @property
    def model_name(self) -> str | Path:
        """The model that is asked."""
        return self._name

    @property
    def loaded(self) -> Model | None:
        """The model that is asked, once it is in memory."""
        return self._loader.held(self._choice)

    @property
    def loading(self) -> bool:
        """Whether the model itself is on its way."""
        return self._model is None and self._encoding.busy

    @property
    def encoding(self) -> bool:
        """Whether an embedding is on its way."""
        return self._encoding.busy

    @property
    def decoding(self) -> bool:
        """Whether an answer is on its way."""
        return self._decoding.busy

    def use(self, name: str | Path) -> None:
        """Ask another model from now on; the same one is loaded anew."""
        self.cancel()
        self._choice += 1
        self._name, self._model, self._kept = name, None, None
        self._loader.let_go()
        self._foretold.forget()
        self._ready.clear()

    @property
    def pair(self) -> Pair | None:
        """How the model in use is run; None until it is loaded."""
        return None if self._model is None else Pair(*self._model.ways)

    def load_soon(
        self, anew: bool = False, done: Callable[[], object] = lambda: None
    ) -> None:
        """Load the model in the background; ``anew``: it may run in another way."""
        choice, name = self._choice, self._name

        def job(_: Cancellation) -> Model:
            return warm_model(name) if anew else self._loader.load(choice, name)

        def swap(model: Model) -> None:
            self._loader.hold(choice, model)
            self._model = model
            done()

        self._encoding.submit_quietly(job, swap, told_when_asked)

    def listen(self, tell: Tell) -> None:
        """Have the owner's thread told when the disk fails the store, or a provider."""

        def hand_over(message: str) -> None:
            self._deliver(partial(tell, message))

        if isinstance(self._store, EmbeddingStore):
            self._unsubscribe.append(self._store.subscribe(hand_over))
        self._unsubscribe.append(notices.subscribe(hand_over))

    def ready(self, source: Source) -> Embedding | None:
        """Return the embedding of a source if it is in memory, at once."""
        return self._ready.get(source.token)

    def prepare(
        self, source: Source, done: Callable[[Embedding], None], failed: Failed
    ) -> None:
        """Embed a source off the caller's thread; the newest request wins."""
        if self._encoding.busy and self._pending == source.token:
            return
        self._pending = source.token
        choice, name, store = self._choice, self._name, self._store

        def job(cancel: Cancellation) -> tuple[Model, Embedding]:
            asked = self._loader.load(choice, name)
            cancel.raise_if_wished()
            model_input = source.read()
            cancel.raise_if_wished()
            return asked, encode_stored(asked, model_input, store, cancel)

        def keep(result: tuple[Model, Embedding]) -> None:
            self._model, self._kept = result
            self._note(source, self._kept)
            done(self._kept)

        self.stop_quiet()
        self._encoding.submit(job, keep, failed)
        self.asked.emit()

    def _note(self, source: Source, embedding: Embedding) -> None:
        self._ready[source.token] = embedding
        self.witness.saw(embedding.key, source.look)

    # --- while nobody waits ------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Whether something is read or encoded that nobody waits for."""
        return self._encoding.quiet or self._reading.busy

    def prepare_quietly(
        self, source: Source, done: Callable[[], None], failed: Failed
    ) -> bool:
        """Embed a source on the off chance, while nobody waits for anything.

        It is kept in memory only, until somebody asks it. What is asked for stops it,
        and then neither `done` nor `failed` is called.

        Returns
        -------
        bool
            Whether it was begun.
        """
        store = self._store

        def keep_aside(embedding: Embedding) -> None:
            self._unused.add(embedding.key)
            store.put_aside(embedding)

        def job(model: Model, read: ModelInput, cancel: Cancellation) -> Embedding:
            return encode_stored(model, read, store, cancel, keep_aside)

        def keep(embedding: Embedding) -> None:
            self._note(source, embedding)
            done()

        return self._quietly(source, job, keep, failed)

    def fill_quietly(
        self, source: Source, done: Callable[[bool], None], failed: Failed
    ) -> bool:
        """See to it that a source is in the store, while nobody waits for anything.

        As `prepare_quietly`, but it is kept where embeddings are kept longest, and
        `done` hears whether it was made.
        """
        store = self._store

        def job(model: Model, read: ModelInput, cancel: Cancellation) -> bool:
            return fill(model, read, store, cancel)

        return self._quietly(source, job, done, failed)

    def stop_quiet(self) -> None:
        """Stop what nobody waits for."""
        self._reading.cancel()
        self._encoding.stop_quiet()

    def _quietly(
        self, source: Source, job: Job[T], done: Callable[[T], None], failed: Failed
    ) -> bool:
        """Read in a lane of its own: reading cannot be stopped, and nobody may wait."""
        if self.encoding or self.quiet:
            return False

        def begin(read: ModelInput) -> None:
            self._encode_quietly(
                lambda model, cancel: job(model, read, cancel), done, failed
            )

        self._reading.submit(lambda _: source.read(), begin, failed)
        return True

    def _encode_quietly(
        self,
        job: Callable[[Model, Cancellation], T],
        done: Callable[[T], None],
        failed: Failed,
    ) -> None:
        choice, name = self._choice, self._name

        def run(cancel: Cancellation) -> tuple[Model, T]:
            model = self._loader.load(choice, name)
            cancel.raise_if_wished()
            return model, job(model, cancel)

        def hand_over(result: tuple[Model, T]) -> None:
            self._model = result[0]
            done(result[1])

        self._encoding.submit_quietly(run, hand_over, failed)

    def loader(self) -> Callable[[], Model]:
        """Return what gives the model in use now, to a thread of its own."""
        return partial(self._loader.load, self._choice, self._name)

    def ask(
        self,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None,
        done: Callable[[Answer], None],
        failed: Failed,
    ) -> None:
        """Decode off the caller's thread; the newest request wins."""
        model = self._model
        if model is None:
            return

        def hand_over(answer: Answer) -> None:
            self.answered = True
            done(answer)

        job = self._foretold.answering(model, embedding, prompts, previous)
        self._decoding.submit(lambda _: job(), hand_over, failed)
        if embedding.key in self._unused:
            self._unused.discard(embedding.key)
            self._store.put(embedding)
        self.asked.emit()

    def foretell(
        self,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None = None,
        done: Callable[[Answer], object] = lambda _: None,
        failed: Callable[[BaseException], object] = lambda _: None,
    ) -> None:
        """Decode what nobody asked yet; a question that is asked comes first."""
        model = self._model
        if model is None or self._decoding.busy:
            failed(Cancelled("a click is being answered"))
            return
        self._foretold.guess(model, embedding, prompts, previous, done, failed)
        self.asked.emit()

    def forget_question(self) -> None:
        """Drop the answer that is on its way."""
        self._decoding.cancel()

    def cancel(self) -> None:
        """Stop encoding, and drop the answer that is on its way."""
        self.stop_quiet()
        self._encoding.cancel()
        self._decoding.cancel()
        self.asked.emit()

    def close(self) -> None:
        """Cancel, and let the threads end."""
        for end in self._unsubscribe:
            end()
        self.asked.disconnect()
        self._reading.close()
        self._encoding.close()
        self._decoding.close()
        self._foretold.close()
