"""Checkpoints of the true architecture, and files converted from them.

These tests need torch and sam2, and run when they are named: ``./dev parity``, or
``pytest tests/convert`` in an environment as in docs/convert.md.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.seeded import write_checkpoint
from napari_sam21.models.convert import ConversionReport, convert
from napari_sam21.models.convert.architectures import ARCHITECTURES
from napari_sam21.models.convert.network import build

Report = ConversionReport


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Torch and its friends warn among themselves; the rest of the suite is strict."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:.*:UserWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:.*:FutureWarning"))


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what is made once."""
    return tmp_path_factory.mktemp("convert")


@pytest.fixture(scope="session")
def network(workplace: Path) -> Any:
    """SAM 2.1 tiny with seeded weights, whose checkpoint is in ``checkpoint``."""
    return write_checkpoint(workplace / "seeded.pt")


@pytest.fixture(scope="session")
def checkpoint(network: Any, workplace: Path) -> Path:
    """The checkpoint of ``network``, as Meta's are."""
    return workplace / "seeded.pt"


@pytest.fixture(scope="session")
def converted(checkpoint: Path, workplace: Path) -> Report:
    """Converted with the defaults: a dynamic object axis."""
    return convert(checkpoint, workplace / "default", licence="CC0-1.0")


@pytest.fixture(scope="session")
def extended(checkpoint: Path, workplace: Path) -> Report:
    """Converted with the fourth token, one object, and weights outside the files."""
    return convert(
        checkpoint,
        workplace / "extended",
        objects=False,
        fourth_token=True,
        name="Extended",
        external_from=1 << 20,
    )


@pytest.fixture(scope="session")
def tiny_network() -> Any:
    """SAM 2.1 tiny whose weights the tests may change."""
    return build(ARCHITECTURES["tiny"])


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write a checkpoint of a few kilobytes: every tensor repeats one number."""

    def write(content: Any, name: str = "small.pt") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def repeated() -> Callable[..., dict[str, torch.Tensor]]:
    """Names and shapes of a network's weights, each tensor one number repeated."""

    def repeat(network: Any, first: float = 0.5) -> dict[str, torch.Tensor]:
        state = network.state_dict().items()
        return {
            name: torch.tensor(first + 0.001 * number).expand(tensor.shape)
            for number, (name, tensor) in enumerate(state)
        }

    return repeat
