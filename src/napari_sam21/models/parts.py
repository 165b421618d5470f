"""The two files of a model that is on this machine, and how they are opened."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from napari_sam21.core.providers.compiled import Compiled
from napari_sam21.core.providers.way import Way
from napari_sam21.core.runtime import Graph, digest_of
from napari_sam21.core.sam2 import Model
from napari_sam21.models import home, keeping
from napari_sam21.models.archive import find_files
from napari_sam21.models.choosing.memory import Memory
from napari_sam21.models.choosing.notices import notice
from napari_sam21.models.choosing.pick import pick
from napari_sam21.models.choosing.result import Pair
from napari_sam21.models.choosing.wish import Wish
from napari_sam21.models.digests import guessed, note
from napari_sam21.models.external import is_file_beside, references

OnFault = Callable[[str], object]


@dataclass(frozen=True)
class Part:
    """One file of a model.

    Attributes
    ----------
    source : Path or bytes
    where : str
        What to call it in messages.
    guess : str
        Digest that a file has, if nobody changed it unnoticed; empty: look.
    threads : int
        Of a run; 0 is one for each core.
    """

    source: Path | bytes
    where: str
    guess: str = ""
    threads: int = 0

    @cached_property
    def beside(self) -> list[Path]:
        """Files that hold weights of this one.

        Raises
        ------
        ModelError
            If it is no ONNX file, or would read others than those beside it.
        """
        source, kept = self.source, compiled()
        # What was compiled once had all its weights in it.
        if kept is not None and kept.has(self.own_digest):
            return []

        def has(name: str) -> bool:
            return isinstance(source, Path) and is_file_beside(source, name)

        names = references(source, self.where, has)
        return [source.with_name(name) for name in names if isinstance(source, Path)]

    @cached_property
    def own_digest(self) -> str:
        """SHA-256 of the file alone."""
        return self.guess or digest_of((self.source,), self.where)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, and of those beside it."""
        if not self.beside:
            return self.own_digest
        return digest_of((self.source, *self.beside), self.where)

    def open(self, way: Way, on_fault: OnFault | None = None) -> Graph:
        """Open it in a way, from what was compiled of it if that is there."""
        kept = compiled()
        if kept is not None and self.guess:
            kept = replace(kept, keeps=False)
        return Graph(
            self.source,
            self.where,
            way,
            self.beside,
            kept,
            on_fault,
            self.digest,
            self.threads,
        )


@dataclass(frozen=True)
class Parts:
    """Encoder and decoder of a model, not opened yet.

    Attributes
    ----------
    name : str
    encoder, decoder : Part
    """

    name: str
    encoder: Part
    decoder: Part

    def with_threads(self, threads: int) -> Parts:
        """Return the same, to be run by so many threads; 0: one for each core."""
        encoder, decoder = self.encoder, self.decoder
        return Parts(
            self.name,
            replace(encoder, threads=threads),
            replace(decoder, threads=threads),
        )

    @property
    def memory(self) -> Memory:
        """What is known of how it runs here."""
        return Memory(self.encoder.digest, self.decoder.digest)

    def open(self, pair: Pair) -> Model:
        """Open it in certain ways; what a provider cannot do is an error."""
        return self._open(pair, None, None)

    def open_best(self, wish: Wish) -> Model:
        """Open it in the fastest way that passed; whatever fails, the CPU serves.

        Digesting takes as long as loading: it is loaded by the digests it had the last
        time, while these are looked at again, and once more if they are others now.
        """
        guess = self._guess()
        if guess is None:
            return self._noted(wish)
        with ThreadPoolExecutor(1, "sam21-digest") as pool:
            digests = pool.submit(self._digests)
            model = guess._open_best(wish)
        if digests.result() == guess._digests():
            return model
        return self._noted(wish)

    def _digests(self) -> tuple[str, str]:
        return self.encoder.digest, self.decoder.digest

    def _guess(self) -> Parts | None:
        """Return the same with guessed digests, where both files can be loaded so."""
        parts, kept = [], compiled()
        for part in (self.encoder, self.decoder):
            source = part.source
            guess = guessed(source) if isinstance(source, Path) else ""
            # Without its own compiled graph a file is looked through anyway.
            if not guess or kept is None or not kept.has(guess):
                return None
            parts.append(Part(source, part.where, guess, part.threads))
        return Parts(self.name, *parts)

    def _noted(self, wish: Wish) -> Model:
        model = self._open_best(wish)
        files = {
            part.source: part.own_digest
            for part in (self.encoder, self.decoder)
            if isinstance(part.source, Path)
        }
        if files:
            note(files)
        return model

    def _open_best(self, wish: Wish) -> Model:
        memory = self.memory
        pair = pick(memory.recall(), wish)
        faults = (
            _fault(memory, Pair(pair.encoder)),
            _fault(memory, Pair(decoder=pair.decoder)),
        )
        with nullcontext() if pair == Pair() else memory.guarding(pair):
            return self._open(pair, *faults)

    def _open(self, pair: Pair, *faults: OnFault | None) -> Model:
        """Open both at once; of two errors the encoder's is told."""
        with ThreadPoolExecutor(1, "sam21-load") as pool:
            decoder = pool.submit(self.decoder.open, pair.decoder, faults[1])
            encoder = self.encoder.open(pair.encoder, faults[0])
        return Model(self.name, encoder, decoder.result())


def _fault(memory: Memory, pair: Pair) -> OnFault:
    """Return what sets a part's way aside, and says so."""

    def set_aside(why: str) -> None:
        memory.set_aside(pair, why)
        notice(f"{why}. It is set aside; the CPU serves.")

    return set_aside


def parts_of(name: str, path: Path) -> Parts:
    """Find the two files of a model.

    Raises
    ------
    ModelError
        If they are not there, or cannot be trusted.
    """
    files = find_files(path)
    name = name or files.name
    return Parts(
        name,
        Part(files.encoder, f"encoder of model {name!r}"),
        Part(files.decoder, f"decoder of model {name!r}"),
    )


def compiled() -> Compiled | None:
    """Return where compiled graphs are kept; None if nothing is to be cached."""
    if keeping.environment() == home.OFF:
        return None
    return Compiled(compiled_folder())


def compiled_folder() -> Path:
    """Return the folder of compiled graphs, in the user's cache."""
    return home.own_cache() / "compiled"
