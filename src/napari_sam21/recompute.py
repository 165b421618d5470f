"""Runs the model again for the objects of a session, and compares the masks.

What led to an object is in its journal: the region and how it was seen, and the rounds
of prompts with what was chosen in each. The same questions are asked again, in their
order, and the last answer is written as it was then, in thought, into the labels of
that moment. Knows no napari layer and no Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from napari_sam21.core.cleaning import Cleaning, clean_crop
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.errors import FileError, ModelError, Sam21Error, SessionError
from napari_sam21.core.sam2 import Model
from napari_sam21.files.opened import OpenedImage
from napari_sam21.files.read import open_image
from napari_sam21.layers.look import COMPOSITE, STRETCHED
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.source import PlaneSource
from napari_sam21.layers.writing import box_of
from napari_sam21.models.weights import load_model
from napari_sam21.session.change import Change
from napari_sam21.session.compare import Comparison, Outcome, likeness
from napari_sam21.session.identity import identify
from napari_sam21.session.journal import Session
from napari_sam21.session.lines import Line, unpack_change
from napari_sam21.session.objects import CHANGED, Facts, Question, facts_of, in_force
from napari_sam21.session.replay import empty_labels, there

EMBEDDINGS = 8
"""Kept at once; of 17 MB each."""

Labelled = npt.NDArray[np.integer[Any]]


def recompute(
    session: Session,
    image: Path | None = None,
    model: str | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Ask the model again for every object of a session that has prompts.

    Parameters
    ----------
    session : Session
    image : Path, optional
        The image's file. Default: the one that the session tells of.
    model : str, optional
        Name or path of a model to ask instead of those that were asked then.
    tell : callable, optional
        Told how many objects are done, and how many there are.

    Raises
    ------
    FileError
        If the image is not found or cannot be read.
    SessionError
        If the file holds another image.
    ModelError
        If the model that was named cannot be loaded.
    """
    path = _path_of(session, image)
    with open_image(path) as opened:
        again = _Again(session, opened, path, _Models(model))
        return again.run(tell or (lambda done, total: None))


def _path_of(session: Session, named: Path | None) -> Path:
    told = session.header.get("image", {}).get("path")
    path = named or (Path(told) if told else None)
    if path is None:
        raise FileError(
            "the session does not tell which file its image came from: name it with "
            "--image FILE"
        )
    if not path.exists():
        raise FileError(
            f"the image is not at {path} any more: name its file with --image FILE"
        )
    return path


class _Models:
    """The models that are asked: one that was named, else those of each object."""

    def __init__(self, named: str | None) -> None:
        self._named = named
        self._loaded: dict[str, Model] = {}
        self.warnings: dict[str, None] = {}
        if named is not None:
            self._load(named)

    @property
    def names(self) -> str:
        """Of those that were asked."""
        return ", ".join(model.name for model in self._loaded.values())

    def of(self, facts: Facts) -> Model:
        """Return the model to ask about an object.

        Raises
        ------
        ModelError
            If the one that was asked is not here, and no other one was named.
        """
        name = self._named or facts.model
        if not name:
            raise ModelError("the journal does not name a model: add --model NAME")
        model = self._load(name)
        told = facts.told.get("model") or {}
        known = told.get("encoder"), told.get("decoder")
        here = model.origin.encoder, model.origin.decoder
        if known != here and known != (None, None):
            words = (
                f"{name!r} is not the model that was asked ({told.get('name')!r}): its "
                "files are others"
            )
            if self._named is None:
                raise ModelError(f"{words}; add --model {name} to ask it all the same")
            self.warnings[words] = None
        return model

    def _load(self, name: str) -> Model:
        if name not in self._loaded:
            path = Path(name)
            self._loaded[name] = load_model(path if path.exists() else name)
        return self._loaded[name]


@dataclass
class _Again:
    """A session on its way through the model."""

    session: Session
    opened: OpenedImage
    path: Path
    models: _Models
    _embeddings: LRUCache[tuple[str, str], tuple[Embedding, bool]] = field(
        default_factory=lambda: LRUCache(EMBEDDINGS)
    )
    _level: Any = None

    def run(self, tell: Callable[[int, int], None]) -> Comparison:
        """Go through the session; the labels grow as they did then."""
        self._level = _checked(self.opened, self.session, self.path)
        force = in_force(self.session)
        wanted = {id(line): facts for line, facts in _with_prompts(force)}
        outcomes: list[Outcome] = []
        for line, change, labels in _moments(self.session):
            facts = wanted.get(id(line))
            if facts is not None:
                outcomes.append(self._outcome(facts, change, labels))
                tell(len(outcomes), len(wanted))
        return Comparison(
            str(self.path),
            self.models.names,
            tuple(outcomes),
            len(force) - len(outcomes),
            tuple(self.models.warnings),
        )

    def _outcome(self, facts: Facts, change: Change, labels: Labelled) -> Outcome:
        about = facts.id, facts.prompt_count
        try:
            answer, same = self._asked(facts)
        except Sam21Error as error:
            return Outcome(*about, note=str(error))
        mask, origin_rc = clean_crop(answer.crop(), _cleaning(facts))
        box, across = box_of(self._plane(facts), mask, origin_rc)
        policy = str(facts.settings.get("policy", ""))
        iou = likeness(change, labels, across, box, facts.id, policy)
        note = "" if same else "the model sees other pixels than then"
        if facts.told.get("brushed"):
            note = f"{note}; brushed by hand".removeprefix("; ")
        return Outcome(*about, iou, same, note)

    def _asked(self, facts: Facts) -> tuple[Answer, bool]:
        """Ask the same questions in the same order."""
        if not facts.questions:
            raise SessionError(
                "the journal does not tell the rounds of prompts: an older version "
                "wrote it"
            )
        if facts.told.get("given_mask"):
            raise SessionError(
                "it began with a mask that was given, which the journal does not hold"
            )
        model, plane = self.models.of(facts), self._plane(facts)
        before: Answer | None = None
        same = True
        for question in facts.questions:
            embedding, alike = self._embedding(model, plane, question)
            fed = before if question.fed_back else None
            answer = model.decode(embedding, question.prompts, fed)
            before, same = answer.choose(question.choice), same and alike
        if before is None:
            raise SessionError("the journal tells no question")
        return before, same

    def _plane(self, facts: Facts) -> Plane:
        shape = self.session.header["labels"]["shape"]
        displayed = facts.displayed or (len(shape) - 2, len(shape) - 1)
        sizes = int(shape[displayed[0]]), int(shape[displayed[1]])
        return Plane(displayed, facts.hidden, sizes)

    def _embedding(
        self, model: Model, plane: Plane, question: Question
    ) -> tuple[Embedding, bool]:
        """Encode what the model was shown; and whether it is exactly the same."""
        key = (model.origin.encoder, question.key)
        if key not in self._embeddings:
            found = self._source(plane, question).read()
            alike = question.key.endswith(f"-{found.digest}")
            self._embeddings[key] = model.encode_input(found), alike
        return self._embeddings[key]

    def _source(self, plane: Plane, question: Question) -> PlaneSource:
        look = question.look
        if look is None:
            raise SessionError("the journal does not tell how the image was seen")
        if look.get("mode") == COMPOSITE:
            names = [each["layer"] for each in look.get("channels", ()) if each]
            raise SessionError(
                f"the model saw a composite of the layers {', '.join(names)}, and the "
                "file holds one of them"
            )
        limits = look.get("contrast_limits")
        return PlaneSource(
            token=None,
            plane=plane,
            region=question.region,
            data=self._level_of(look),
            full_shape=tuple(self.session.header["labels"]["shape"]),
            rgb=self.opened.rgb,
            contrast_limits=None if limits is None else (limits[0], limits[1]),
            gamma=float(look.get("gamma", 1.0)),
            stretch=look.get("mode") == STRETCHED,
        )

    def _level_of(self, look: Mapping[str, Any]) -> Any:
        """The level of a pyramid that was read; of a single array that."""
        wanted = tuple(look.get("level_shape", ()))
        for level in self.opened.levels[1:]:
            if tuple(level.shape) == wanted:
                return level
        return self._level


def _checked(opened: OpenedImage, session: Session, path: Path) -> Any:
    """The finest level, in the byte order that the layer had.

    Raises
    ------
    SessionError
        If it is another image.
    """
    told = session.header.get("image")
    for data in _readings(opened.data):
        if identify(data, opened.name).is_that_of(told):
            return data
    raise SessionError(
        f"{path} holds another image than the session is about (shape "
        f"{tuple(opened.data.shape)}, expected {tuple((told or {}).get('shape', ()))}; "
        "or other pixels): name the right file with --image FILE"
    )


def _readings(data: Any) -> Iterator[Any]:
    """An array as the file has it, and as napari's readers may pass it on."""
    yield data
    yield np.asarray(data).astype(data.dtype.newbyteorder("="))


def _with_prompts(force: list[Line]) -> Iterator[tuple[Line, Facts]]:
    for line in force:
        facts = facts_of(line)
        if facts is not None and facts.prompts:
            yield line, facts


def _moments(session: Session) -> Iterator[tuple[Line, Change, Labelled]]:
    """Each change, with the labels as they were just before it.

    What was there was noted while the first changes were made, and may hold a few of
    them.
    """
    labels = empty_labels(session)
    for block in there(session):
        block.do_in(labels)
    for line in session.of_kind(CHANGED):
        change = unpack_change(line)
        yield line, change, labels
        change.do_in(labels)


def _cleaning(facts: Facts) -> Cleaning:
    """How the mask was cleaned before it was committed."""
    names = ("largest_piece", "fill_holes")
    return Cleaning(*(facts.settings.get(name) is True for name in names))
