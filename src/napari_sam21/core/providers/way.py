"""How a graph is run: by which provider, on which device, how exactly."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from napari_sam21.core.errors import ProviderError

EXACT, FAST = "exact", "fast"
PRECISIONS = (EXACT, FAST)
WORDS = {EXACT: "exact float32", FAST: "fast"}
"""The precisions as people read them."""

SUFFIX = "ExecutionProvider"


@dataclass(frozen=True)
class Way:
    """One way to run a graph.

    Attributes
    ----------
    provider : str
        As onnxruntime calls it.
    device : str
        ``"CPU"``, ``"GPU"``, ``"NPU"``, the second of a kind ``"GPU.1"``; empty where
        the provider decides.
    precision : str
        `EXACT`: float32 throughout. `FAST`: whatever the provider finds good enough.
    plugin : str
        Module that the provider comes in; empty if onnxruntime has it built in.
    behind : tuple of str
        Providers that take what this one cannot run, in order.
    """

    provider: str
    device: str = ""
    precision: str = EXACT
    plugin: str = ""
    behind: tuple[str, ...] = ("CPUExecutionProvider",)

    def __str__(self) -> str:
        """Return what people read."""
        return f"{self.place}, {WORDS[self.precision]}"

    @property
    def place(self) -> str:
        """Provider and device, for people."""
        name = self.provider.removesuffix(SUFFIX)
        return f"{name} on {self.device}" if self.device else name

    @property
    def code(self) -> str:
        """Provider and device, for settings; `selects` understands it."""
        return f"{self.provider}:{self.device}" if self.device else self.provider

    def selects(self, wanted: str) -> bool:
        """Whether a setting means this provider, and this device if it names one.

        Case does not matter, and ``ExecutionProvider`` may be left out.
        """
        provider, _, device = wanted.strip().lower().partition(":")
        names = (self.provider.lower(), self.provider.removesuffix(SUFFIX).lower())
        return provider in names and device in ("", self.device.lower())

    def exactly(self) -> Way:
        """Return the same provider, exact."""
        return replace(self, precision=EXACT)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return asdict(self)


CPU = Way("CPUExecutionProvider", behind=())
"""What every onnxruntime has, and what every other way is measured against."""


def way_from(found: dict[str, Any]) -> Way:
    """Read what `Way.as_dict` gave.

    Raises
    ------
    ProviderError
        If it is something else.
    """
    try:
        way = Way(**(found | {"behind": tuple(found["behind"])}))
    except (KeyError, TypeError) as error:
        raise ProviderError(f"{found!r} is no way to run a model") from error
    texts = (way.provider, way.device, way.plugin, *way.behind)
    if way.precision not in PRECISIONS or not all(isinstance(x, str) for x in texts):
        raise ProviderError(f"{found!r} is no way to run a model")
    return way
