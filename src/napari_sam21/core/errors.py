"""Errors a user can meet: each names the value, what was expected, and what to do."""


class Sam21Error(Exception):
    """Base of every error this package raises on purpose."""


class ImageError(Sam21Error, ValueError):
    """The pixels, limits or region of an image cannot be used."""


class PromptError(Sam21Error, ValueError):
    """A prompt is malformed, missing, or lies outside the embedded region."""


class ModelError(Sam21Error, ValueError):
    """A model is unknown, damaged, or keeps neither of the known contracts."""


class ProviderError(Sam21Error, ValueError):
    """An execution provider cannot be used; the CPU can."""


class EmbeddingMismatchError(Sam21Error, ValueError):
    """An embedding, answer or mask belongs to another model, region or image."""


class LayerError(Sam21Error, ValueError):
    """A napari layer cannot take part, for a reason the message names."""


class SessionError(Sam21Error, ValueError):
    """A session on disk is damaged, incomplete, or belongs to something else."""


class FileError(Sam21Error, ValueError):
    """A file cannot be read or written, for a reason the message names."""


class StoreError(Sam21Error):
    """Embeddings cannot be kept where they should be."""


class PlanError(Sam21Error, ValueError):
    """More is to be embedded ahead than makes sense."""


class Cancelled(Sam21Error):
    """The caller asked for the run to stop."""
