"""Providers that came as packages of their own: modules ``onnxruntime_ep_…``.

Such a module names a library; onnxruntime loads it, and then lists the devices that it
offers. Both run code of others: nothing here is done in the user's napari before it
went well in a process of its own.
"""

from __future__ import annotations

import pkgutil
import sys
import threading
from collections import Counter
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from napari_sam21.core.errors import ProviderError
from napari_sam21.core.providers.library import onnxruntime
from napari_sam21.core.providers.table import ways_of
from napari_sam21.core.providers.way import Way

PREFIX = "onnxruntime_ep_"

_LOCK = threading.Lock()
_REFUSALS: tuple[type[Exception], ...] = (
    ImportError, AttributeError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""What a module that is not as it should be raises."""


def found_plugins() -> list[str]:
    """Return the names of the modules that are installed; none is imported.

    Looked for once: what is installed later is found by the next napari.
    """
    return list(_found(tuple(sys.path)))


@lru_cache(maxsize=1)
def _found(paths: tuple[str, ...]) -> tuple[str, ...]:
    names = (module.name for module in pkgutil.iter_modules(paths))
    return tuple(sorted(name for name in names if name.startswith(PREFIX)))


def plugin_version(module: str) -> str:
    """Return the version of the package of a module; empty if it has none."""
    try:
        return version(module.replace("_", "-"))
    except PackageNotFoundError:
        return ""


def plugin_ways(module: str) -> list[Way]:
    """Load a plugin, and return the ways that it offers.

    Raises
    ------
    ProviderError
        If it cannot be loaded.
    """
    return [
        way
        for (provider, device) in _devices(module)
        for way in ways_of(provider, device, module)
    ]


def device_of(way: Way) -> Any:
    """Return what onnxruntime calls an ``OrtEpDevice`` of a plugin's way.

    Raises
    ------
    ProviderError
        If the plugin cannot be loaded, or has no such device (any more).
    """
    devices = _devices(way.plugin)
    found = devices.get((way.provider, way.device))
    if found is None:
        there = ", ".join(sorted(f"{name} {device}" for name, device in devices))
        raise ProviderError(
            f"{way.plugin} offers no {way.place} on this machine; it offers "
            f"{there or 'nothing'}"
        )
    return found


def _devices(module: str) -> dict[tuple[str, str], Any]:
    """Return the devices of a plugin by provider and a name such as ``GPU.1``."""
    ort = onnxruntime()

    names = set(_registered(module))
    counts: Counter[str] = Counter()
    devices = {}
    for device in ort.get_ep_devices():
        if device.ep_name in names:
            kind = device.device.type.name
            number = counts[device.ep_name + kind]
            counts[device.ep_name + kind] += 1
            name = f"{kind}.{number}" if number else kind
            devices[device.ep_name, name] = device
    return devices


def _registered(module: str) -> tuple[str, ...]:
    """Register the library of a plugin, once; return the names of its providers."""
    with _LOCK:
        return _register(module)


@cache
def _register(module: str) -> tuple[str, ...]:
    ort = onnxruntime()

    try:
        plugin = import_module(module)
        names = tuple(plugin.get_ep_names())
        ort.register_execution_provider_library(module, plugin.get_library_path())
    except faults() + _REFUSALS as error:
        raise ProviderError(f"{module} cannot be loaded: {error}") from error
    return names


def faults() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises when a graph or a provider is not as it should."""
    state = onnxruntime().capi.onnxruntime_pybind11_state

    return (
        state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.NoModel,
        state.InvalidArgument, state.NotImplemented, state.RuntimeException,
        state.NoSuchFile, state.EPFail, UnicodeDecodeError,
    )  # fmt: skip
