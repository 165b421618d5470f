"""A desk to annotate at: a viewer without a window, and a controller on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.components import ViewerModel
from pump import PumpHost

from napari_sam21.controller import Controller
from napari_sam21.core.store import MemoryStore
from napari_sam21.inference import Inference


class Desk:
    """Everything a test of the controller touches."""

    def __init__(
        self, model: Path, *images: np.ndarray, store: Any = None, **options: Any
    ) -> None:
        self.viewer = ViewerModel()
        self.host = PumpHost()
        self.store = MemoryStore() if store is None else store
        self.inference = Inference(self.host.deliver, self.store)
        self.inference.use(model)
        self.controller = Controller(self.viewer, self.host, self.inference)
        self.images = [self.viewer.add_image(image, **options) for image in images]
        if images:
            self.controller.set_image(self.images[0])

    @property
    def points(self) -> Any:
        """The prompts layer."""
        return self.controller.editor.scene.prompts.layer

    @property
    def preview(self) -> Any:
        """The preview layer."""
        return self.controller.editor.scene.preview.layer

    @property
    def status(self) -> str:
        """What the dock says."""
        return self.controller.view().status

    def ready(self) -> None:
        """Wait until a click would be answered at once."""
        self.host.settle()
        self.host.until(lambda: self.controller.editor.is_ready())

    def click(self, *position: float, label: int = 1) -> None:
        """Add a point, and wait for its answer."""
        self.add(*position, label=label)
        self.answered()

    def add(self, *position: float, label: int = 1) -> None:
        """Add a point, and go on."""
        self.controller.set_polarity(label)
        self.points.add([[float(value) for value in position]])

    def answered(self) -> None:
        """Wait for the answer to the points there are."""
        self.host.until(lambda: self.controller.view().can_commit)

    def commit(self) -> np.ndarray:
        """Commit, let the layers follow, and return the output array."""
        self.controller.commit()
        self.host.turn()
        return np.asarray(self.controller.target.labels.data)

    def close(self) -> None:
        """Leave."""
        self.controller.close()
        self.host.turn()
