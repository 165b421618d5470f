"""Opens a graph in one of the ways that there are: nobody else makes sessions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from napari_sam21.core.errors import ModelError, ProviderError
from napari_sam21.core.providers.library import onnxruntime
from napari_sam21.core.providers.plugins import (
    device_of,
    faults,
    found_plugins,
    plugin_version,
    plugin_ways,
)
from napari_sam21.core.providers.table import BUILT_IN, known, options_of, ways_of
from napari_sam21.core.providers.way import CPU, Way


def open_session(
    source: Path | bytes, where: str, way: Way, options: Any = None
) -> Any:
    """Open a graph.

    Parameters
    ----------
    source : Path or bytes
        The file, or its content.
    where : str
        What to call it in messages.
    way : Way
    options : onnxruntime.SessionOptions, optional
        Default: `session_options`.

    Raises
    ------
    ModelError
        If it is missing, damaged, or not ONNX.
    ProviderError
        If the provider cannot run it; the file itself may be well.
    """
    ort = onnxruntime()

    options = options or session_options(way)
    content = source if isinstance(source, bytes) else str(source)
    try:
        arguments = _providers(way, options)
        # No fallback to other providers, of which onnxruntime would speak on stderr.
        return ort.InferenceSession(content, options, enable_fallback=0, **arguments)
    except faults() as error:
        if way.provider == CPU.provider:
            raise _damaged(where, error) from error
        raise ProviderError(
            f"{way.place} cannot run the {where} ({first_line(error)})"
        ) from error


def session_options(way: Way, wanted_threads: int = 0) -> Any:
    """Return what a session is told, whoever runs it.

    Parameters
    ----------
    way : Way
    wanted_threads : int
        Of a run; 0 is `threads`.
    """
    ort = onnxruntime()

    options = ort.SessionOptions()
    options.intra_op_num_threads = wanted_threads or threads()
    # Threads may spin within a run, but must sleep after it: napari shares the cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    about = known(way)
    options.enable_mem_pattern = about.memory_pattern
    for name, value in about.session.get(way.precision, {}).items():
        options.add_session_config_entry(name, value)
    return options


def _providers(way: Way, options: Any) -> dict[str, Any]:
    """Tell the options of a plugin, or return the arguments of what is built in."""
    if way.plugin:
        device = device_of(way)
        options.add_provider_for_devices([device], options_of(way))
        return {}
    there = available()
    chain = [way, *(Way(name) for name in way.behind if name in there)]
    return {
        "providers": [each.provider for each in chain],
        "provider_options": [options_of(each) for each in chain],
    }


def available() -> list[str]:
    """Return the names of the providers that onnxruntime has built in."""
    ort = onnxruntime()

    return list(ort.get_available_providers())


def built_in_ways() -> list[Way]:
    """Return the ways to run a graph without a plugin, but the first: exact CPU."""
    there = available()
    ways = [way for name in BUILT_IN if name in there for way in ways_of(name)]
    return [way for way in ways if way != CPU]


def way_of(providers: Sequence[str]) -> Way:
    """Return the way that some names mean, in order of preference; exact if it can.

    The first one may be of a plugin, which is then loaded.

    Raises
    ------
    ModelError
        If there is no such provider here.
    ProviderError
        If a plugin cannot be loaded.
    """
    there = available()
    first, *behind = providers or ("",)
    unknown = set(behind) - set(there)
    if first in there and not unknown:
        return Way(first, behind=tuple(behind))
    offered = [way for name in found_plugins() for way in plugin_ways(name)]
    found = [way for way in offered if way.selects(first)]
    if found and not unknown:
        return found[0]
    plugins = ", ".join(sorted({way.provider for way in offered})) or "none"
    raise ModelError(
        f"execution providers {sorted(unknown | {first} - set(there))} are not in this "
        f"onnxruntime; it has {there}, and of plugins {plugins}"
    )


def version_of(way: Way) -> str:
    """Return the version of what runs a graph."""
    ort = onnxruntime()

    found = str(ort.__version__)
    return f"{found}+{plugin_version(way.plugin)}" if way.plugin else found


def versions() -> dict[str, str]:
    """Return the versions of all that may run a graph here; nothing is loaded."""
    return {"onnxruntime": version_of(CPU)} | {
        name: plugin_version(name) for name in found_plugins()
    }


def threads() -> int:
    """Return the cores this process may use; 0 would ignore its CPU affinity.

    Two threads of one core gain nothing here, so that cores are counted, not threads:
    that leaves the window room on most machines.
    """
    cores = psutil.cpu_count(logical=False) or 0
    if not hasattr(os, "sched_getaffinity"):
        return cores
    allowed = len(os.sched_getaffinity(0))
    return min(allowed, cores) or allowed


def first_line(error: Exception) -> str:
    """Return what an error says, in a line."""
    if isinstance(error, UnicodeDecodeError):  # of a message that names a node
        return "a name in it is no text"
    return (str(error).splitlines() or [""])[0][:200]


def _damaged(where: str, error: Exception) -> ModelError:
    return ModelError(
        f"{where} is not an ONNX model or is damaged ({first_line(error)}); fetch "
        "or import the model again"
    )
