"""What providers want to be told, so that they are exact, or fast.

What is not listed here of the providers that onnxruntime has built in is not tried:
some of them run models on other machines. A plugin that is not listed is tried as it
is, and counts as fast: nobody knows how it rounds.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_sam21.core.providers.way import CPU, EXACT, FAST, Way

Options = Mapping[str, str]
NOTHING: Options = {}

ARM = ("arm64", "aarch64")
BFLOAT16_ON_ARM = "mlas.enable_gemm_fastmath_arm64_bfloat16"


@dataclass(frozen=True)
class Known:
    """What is known of a provider.

    Attributes
    ----------
    options : mapping of precision to options
        Of the provider; a precision that is not there cannot be had.
    session : mapping of precision to entries
        Of the session's configuration.
    behind : tuple of str
        What takes the nodes that it cannot run, where onnxruntime has it.
    memory_pattern : bool
        False if it cannot bear onnxruntime's plan of memory.
    """

    options: Mapping[str, Options]
    session: Mapping[str, Options] = field(default_factory=dict)
    behind: tuple[str, ...] = (CPU.provider,)
    memory_pattern: bool = True


_CPU_SESSION: dict[str, Options] = {EXACT: NOTHING}
if platform.machine().lower() in ARM:
    _CPU_SESSION[FAST] = {BFLOAT16_ON_ARM: "1"}

_ML_PROGRAM = {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL"}

BUILT_IN: Mapping[str, Known] = {
    CPU.provider: Known(dict.fromkeys(_CPU_SESSION, NOTHING), _CPU_SESSION, ()),
    "TensorrtExecutionProvider": Known(
        {EXACT: {"trt_fp16_enable": "0"}, FAST: {"trt_fp16_enable": "1"}},
        behind=("CUDAExecutionProvider", CPU.provider),
    ),
    "CUDAExecutionProvider": Known({EXACT: {"use_tf32": "0"}, FAST: {"use_tf32": "1"}}),
    "ROCMExecutionProvider": Known({EXACT: NOTHING}),
    "MIGraphXExecutionProvider": Known(
        {EXACT: NOTHING, FAST: {"migraphx_fp16_enable": "1"}}
    ),
    "CoreMLExecutionProvider": Known(
        {
            EXACT: _ML_PROGRAM,
            FAST: _ML_PROGRAM | {"AllowLowPrecisionAccumulationOnGPU": "1"},
        }
    ),
    "DmlExecutionProvider": Known({EXACT: NOTHING}, memory_pattern=False),
    "OpenVINOExecutionProvider": Known(
        {EXACT: {"device_type": "CPU", "precision": "FP32"}, FAST: NOTHING}
    ),
}
"""Providers that are tried where the installed onnxruntime has them."""

PLUGINS: Mapping[str, Known] = {
    "OpenVINOExecutionProvider": Known(
        {
            EXACT: {
                "load_config": json.dumps(
                    {"{kind}": {"INFERENCE_PRECISION_HINT": "f32"}}
                )
            },
            FAST: NOTHING,
        }
    ),
    "WebGpuExecutionProvider": Known({EXACT: NOTHING}),
    "MLXExecutionProvider": Known({EXACT: NOTHING}),
    "NvTensorRTRTXExecutionProvider": Known({EXACT: NOTHING}),
}
"""Providers of plugins of which more is known than their name."""

UNKNOWN = Known({FAST: NOTHING})


def known(way: Way) -> Known:
    """Return what is known of the provider of a way."""
    table = PLUGINS if way.plugin else BUILT_IN
    return table.get(way.provider, UNKNOWN)


def options_of(way: Way) -> dict[str, str]:
    """Return what the provider is told; empty if the precision cannot be asked for."""
    kind = way.device.partition(".")[0] or "CPU"
    options = known(way).options.get(way.precision, NOTHING)
    return {name: value.replace("{kind}", kind) for name, value in options.items()}


def ways_of(provider: str, device: str = "", plugin: str = "") -> list[Way]:
    """Return the ways to run a graph by a provider on a device, one a precision."""
    first = Way(provider, device, plugin=plugin)
    about = known(first)
    return [
        Way(provider, device, precision, plugin, about.behind)
        for precision in about.options
    ]
