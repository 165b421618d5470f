"""A promptable model: encode a region once, then decode as often as one clicks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from napari_sam21.core.contract import FEATURES, check_decoder, check_encoder
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.errors import EmbeddingMismatchError, ModelError
from napari_sam21.core.geometry import LOGITS_SIDE, Region
from napari_sam21.core.masks import LOGITS_LIMIT
from napari_sam21.core.preprocess import ModelInput, prepare
from napari_sam21.core.prompts import Prompts, to_tensors
from napari_sam21.core.providers.way import Way
from napari_sam21.core.runtime import Cancellation, Graph
from napari_sam21.core.witness import Origin

BATCH = 16
"""Objects asked in one run where the decoder can; more only cost memory."""

Float32 = npt.NDArray[np.float32]
Previous = Answer | npt.NDArray[np.floating]


class Model:
    """An encoder and a decoder that keep the contract.

    It holds no image and no prompts: values go in, frozen values come out, from any
    thread.

    Parameters
    ----------
    name : str
        For people and messages.
    encoder, decoder : Graph

    Raises
    ------
    ModelError
        If either keeps none of the known contracts.
    """

    def __init__(self, name: str, encoder: Graph, decoder: Graph) -> None:
        check_encoder(encoder.inputs, encoder.outputs, encoder.where)
        self.contract = check_decoder(decoder.inputs, decoder.outputs, decoder.where)
        self.name = name
        self.model_id = encoder.digest[:16]
        self._encoder = encoder
        self._decoder = decoder

    def __repr__(self) -> str:
        return f"<Model {self.name} {self.model_id} {self._encoder.signature}>"

    @property
    def digest(self) -> str:
        """SHA-256 of the encoder's file and of the decoder's, in hexadecimal."""
        return f"sha256:{self._encoder.digest} + sha256:{self._decoder.digest}"

    @property
    def provider(self) -> str:
        """How the encoder runs: provider, runtime version, precision."""
        return self._encoder.signature

    @property
    def origin(self) -> Origin:
        """Which files these are, and how they run."""
        encoder, decoder = self._encoder, self._decoder
        runs = encoder.signature.rsplit("/", 2)
        return Origin(self.name, encoder.digest, decoder.digest, *runs)

    @property
    def ways(self) -> tuple[Way, Way]:
        """How encoder and decoder are run now."""
        return self._encoder.way, self._decoder.way

    def key(self, model_input: ModelInput) -> str:
        """Return the key of the embedding that an input leads to, without running.

        Digest of the encoder file + how it runs + digest of the exact input: what is
        fed to the encoder *is* the key, so nothing stale can be met.
        """
        return self._key(self._encoder.signature, model_input)

    def warm(self) -> None:
        """Ask the decoder once about nothing, so that the first click need not wait."""
        features = {n: np.zeros(shape, np.float32) for n, shape in FEATURES.items()}
        region = Region(0, 0, 1, 1)
        nothing = Embedding(features, region, (1, 1), "", self.model_id)
        self.decode(nothing, Prompts(points_rc=[(0.0, 0.0)], point_labels=[1]))

    def _key(self, signature: str, model_input: ModelInput) -> str:
        return f"{self._encoder.digest}-{signature}-{model_input.digest}"

    def encode(
        self,
        image: npt.ArrayLike,
        contrast_limits: tuple[float, float] | None = None,
        gamma: float = 1.0,
        region: tuple[int, int, int, int] | None = None,
        *,
        cancel: Cancellation | None = None,
    ) -> Embedding:
        """Embed an image, or a region of it.

        Parameters
        ----------
        image : array of any real dtype, shape (H, W) or (H, W, 3 or 4)
            One plane, grey or RGB(A).
        contrast_limits : (float, float), optional
            Intensities shown black and white; see `core.preprocess.prepare`.
        gamma : float
            Exponent applied after the limits.
        region : (int, int, int, int), optional
            ``(r0, c0, r1, c1)``, half-open, plane frame. Default: the whole plane.
        cancel : Cancellation, optional
            Stops the run from another thread.

        Raises
        ------
        ImageError
            If the image, limits, gamma or region cannot be used.
        Cancelled
            If ``cancel`` was called.
        """
        model_input = prepare(
            image, contrast_limits=contrast_limits, gamma=gamma, region=region
        )
        return self.encode_input(model_input, cancel)

    def encode_input(
        self, model_input: ModelInput, cancel: Cancellation | None = None
    ) -> Embedding:
        """Embed what `core.preprocess.prepare` made."""
        names = list(FEATURES)
        feeds = {"image": model_input.tensor}
        outputs, signature = self._encoder.run_signed(feeds, names, cancel)
        for name, output in zip(names, outputs, strict=True):
            _check_shape(output, FEATURES[name], name, self._encoder.where)
        return Embedding(
            dict(zip(names, outputs, strict=True)),
            model_input.region,
            model_input.plane_shape,
            self._key(signature, model_input),
            self.model_id,
        )

    def decode(
        self,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None = None,
    ) -> Answer:
        """Ask for one object.

        Parameters
        ----------
        embedding : Embedding
            Made by this model's encoder.
        prompts : Prompts
            All prompts of the object so far, plane frame, inside the region.
        previous : Answer or array of shape (256, 256), optional
            The last answer about the *same* object (its chosen candidate is fed
            back), or logits from `mask_to_logits`, model frame.

        Returns
        -------
        Answer
            Three candidates; the one with the highest predicted IoU is chosen.

        Raises
        ------
        EmbeddingMismatchError
            If the embedding or the answer comes from elsewhere.
        PromptError
            If there is no prompt, or one lies outside the region.
        """
        return self._run(embedding, [prompts], [previous])[0]

    def decode_many(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompts],
        previous: Sequence[Previous | None] | None = None,
    ) -> list[Answer]:
        """Ask for several objects of one region; one answer for each, in order.

        Objects with the same number of prompts share a run where the decoder has a
        dynamic object axis. Padding to a common number would spoil the answers.

        Parameters
        ----------
        embedding : Embedding
        prompts : sequence of Prompts
        previous : sequence of (Answer or array or None), optional
            One for each object.
        """
        feedback = [None] * len(prompts) if previous is None else list(previous)
        if len(feedback) != len(prompts):
            raise EmbeddingMismatchError(
                f"{len(prompts)} objects but {len(feedback)} previous answers; "
                "give one (or None) for each"
            )
        answers: dict[int, Answer] = {}
        for batch in _batches(prompts, BATCH if self.contract.batches else 1):
            found = self._run(
                embedding, [prompts[i] for i in batch], [feedback[i] for i in batch]
            )
            answers.update(zip(batch, found, strict=True))
        return [answers[i] for i in range(len(prompts))]

    def _run(
        self,
        embedding: Embedding,
        prompts: Sequence[Prompts],
        previous: Sequence[Previous | None],
    ) -> list[Answer]:
        """One decoder run; every object has the same number of prompts."""
        self._check_embedding(embedding)
        tensors = [to_tensors(each, embedding.region) for each in prompts]
        masks = [_feedback(each, embedding) for each in previous]
        feeds = {
            **embedding.features,
            "point_coords": np.concatenate([coords for coords, _ in tensors]),
            "point_labels": np.concatenate([labels for _, labels in tensors]),
            "mask_input": np.stack([mask for mask, _ in masks])[:, None],
            "has_mask_input": np.array([has for _, has in masks], np.float32),
        }
        names = [self.contract.logits_name, "iou_predictions"]
        logits, scores = self._decoder.run(feeds, names)
        side, count = LOGITS_SIDE, len(prompts)
        where = self._decoder.where
        _check_shape(logits, (count, 3, side, side), names[0], where)
        _check_shape(scores, (count, 3), names[1], where)
        return [
            _answer(embedding, score, logit)
            for score, logit in zip(scores, logits, strict=True)
        ]

    def _check_embedding(self, embedding: Embedding) -> None:
        if embedding.model_id != self.model_id:
            raise EmbeddingMismatchError(
                f"this embedding was made by encoder {embedding.model_id}, but model "
                f"{self.name!r} has encoder {self.model_id}: encode the image again "
                "with this model (embeddings of two models share every shape, and "
                "mixing them gives garbage)"
            )


def _batches(prompts: Sequence[Prompts], size: int) -> Iterator[list[int]]:
    """Indices of objects with equally many prompt tokens, at most ``size`` at once."""

    def tokens(index: int) -> int:
        each = prompts[index]
        return len(each.point_labels) + 2 * (each.box_rc is not None)

    for _, group in groupby(sorted(range(len(prompts)), key=tokens), key=tokens):
        members = list(group)
        for start in range(0, len(members), size):
            yield members[start : start + size]


def _feedback(previous: Previous | None, embedding: Embedding) -> tuple[Float32, float]:
    """Return ``mask_input`` (256, 256) and ``has_mask_input`` of one object."""
    if previous is None:
        return np.zeros((LOGITS_SIDE, LOGITS_SIDE), np.float32), 0.0
    if isinstance(previous, Answer):
        if previous.key != embedding.key or previous.region != embedding.region:
            raise EmbeddingMismatchError(
                "the previous answer belongs to another embedding (region "
                f"{tuple(previous.region)}, not {tuple(embedding.region)}, or other "
                "pixels); start the object again with previous=None"
            )
        previous = previous.logits[previous.index]
    logits = np.asarray(previous, dtype=np.float32)
    if logits.shape != (LOGITS_SIDE, LOGITS_SIDE) or not np.isfinite(logits).all():
        raise EmbeddingMismatchError(
            f"previous logits of shape {logits.shape} must be (256, 256) and finite; "
            "pass an answer, or the result of mask_to_logits"
        )
    return np.clip(logits, -LOGITS_LIMIT, LOGITS_LIMIT), 1.0


def _answer(embedding: Embedding, scores: Float32, logits: Float32) -> Answer:
    """One object of a batch; copied, so that one answer does not keep them all."""
    own = scores.copy(), logits.copy()
    best = int(np.argmax(scores))
    return Answer(*own, embedding.region, embedding.shape, embedding.key, best)


def _check_shape(
    array: Float32, expected: tuple[int, ...], name: str, where: str
) -> None:
    """What a file did not declare shows when it runs."""
    if array.shape != expected or array.dtype != np.float32:
        raise ModelError(
            f"{where} gave {name} as {array.dtype} {array.shape}, expected float32 "
            f"{expected}; this file keeps no known contract, use another model"
        )
