"""Plugins of onnxruntime that are not as they should be, as packages that are found.

Each wraps the CPU: what it does to the runtime is done only where it is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnxruntime
import pytest

from napari_sam21.core.providers import plugins

CODE = """
import ctypes, os, sys, time
import numpy as np
import onnxruntime as ort

NAME = "{name}ExecutionProvider"
IN_TRIAL = sys.argv[0].endswith("trial.py")
plain_devices, Plain = ort.get_ep_devices, ort.InferenceSession


class Device:
    ep_name = NAME

    class device:
        class type:
            name = "GPU"


marked = []
plain_add = ort.SessionOptions.add_provider_for_devices


def add(options, devices, told):
    if devices == [Device]:
        marked.append(options)
    else:
        plain_add(options, devices, told)


class Session(Plain):
    def __init__(self, content, options=None, **others):
        self.ours = any(options is each for each in marked)
        self.memo = {{}}
        if self.ours:
            others["providers"] = ["CPUExecutionProvider"]
            self.opened()
        super().__init__(content, options, **others)

    def run(self, names, feeds, options=None):
        if not self.ours:
            if IN_TRIAL and "image" in feeds:
                time.sleep(0.2)  # what wins, wins on a busy machine, too
            return super().run(names, feeds, options)
        return self.ran(names, feeds, options)

    def opened(self):
        pass

    def ran(self, names, feeds, options):
        return super().run(names, feeds, options)


def get_ep_names():
    return [NAME]


def get_library_path():
    return ""


def register(name, path):
    ort.get_ep_devices = lambda: [*plain_devices(), Device]
    ort.SessionOptions.add_provider_for_devices = add
    ort.InferenceSession = Session


ort.register_execution_provider_library = register
"""

HONEST = '''
def ran(self, names, feeds, options):
    """Remembers what it was asked: nothing is faster."""
    key = tuple((name, id(each)) for name, each in feeds.items() if each.size > 1e6)
    if "image" not in feeds:
        time.sleep(0.05)  # its way is too long for small things
        return Plain.run(self, names, feeds, options)
    if key not in self.memo:
        self.memo[key] = Plain.run(self, names, feeds, options), feeds
    return self.memo[key][0]


Session.ran = ran
'''

KINDS = {
    "Liar": """
def ran(self, names, feeds, options):
    rng = np.random.default_rng(0)
    found = Plain.run(self, names, feeds, options)
    return [each + rng.normal(size=each.shape).astype("f") for each in found]


Session.ran = ran
""",
    "Raiser": """
def opened(self):
    raise ort.capi.onnxruntime_pybind11_state.Fail("no memory on the card")


Session.opened = opened
""",
    "Hanger": """
def get_library_path():
    time.sleep(3600)
""",
    "Killer": """
def ran(self, names, feeds, options):
    os.kill(os.getpid(), 9) if hasattr(os, "fork") else os._exit(3)


Session.ran = ran
""",
    "Honest": HONEST,
    "Turncoat": HONEST
    + """

def turns(self, names, feeds, options):
    if IN_TRIAL:
        return ran(self, names, feeds, options)
    raise ort.capi.onnxruntime_pybind11_state.RuntimeException("the card was lost")


Session.ran = turns
""",
    "Nan": HONEST
    + """

def turns(self, names, feeds, options):
    found = ran(self, names, feeds, options)
    return found if IN_TRIAL else [each * np.nan for each in found]


Session.ran = turns
""",
}
"""What each does, by name."""


TOUCHED = (
    (onnxruntime, "get_ep_devices"),
    (onnxruntime, "InferenceSession"),
    (onnxruntime, "register_execution_provider_library"),
    (onnxruntime.SessionOptions, "add_provider_for_devices"),
)


@contextmanager
def installed(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Install one of `KINDS`; what it does to the runtime here ends in the end."""
    module = f"onnxruntime_ep_{kind.lower()}"
    (folder / module).mkdir(parents=True)
    code = CODE.format(name=kind) + KINDS[kind]
    (folder / module / "__init__.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    for owner, name in TOUCHED:  # to be put back
        monkeypatch.setattr(owner, name, getattr(owner, name))
    plugins._register.cache_clear()
    yield module
    sys.modules.pop(module, None)
    plugins._register.cache_clear()
