r"""Take the pictures of the tour, and write its page: docs/tour.md.

Everything is done by real mouse and key events, and the mouse is drawn afterwards: a
screenshot has none. Needs a display, a virtual one will do; run at the project's root:

    xvfb-run -a -s "-screen 0 1600x1200x24" .venv/bin/python -m scripts.tour
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import napari
import numpy as np
from PIL import Image, ImageDraw
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication, QDialog, QWidget

from benchmarks.session.hands import SHIFT, Hands
from benchmarks.session.script import stack
from benchmarks.session.user import first_click
from benchmarks.window import rest, wait_until
from napari_sam21.samples import read_labels

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SAMPLE = "fluorescence"
COLOURS = 255
LIMIT_BYTES = 120_000
OBJECT, NEIGHBOUR, BOXED = 58, 4, 75
"""True labels: two nuclei that touch, and one for a box."""
CORRECTIONS, NEGLIGIBLE = 2, 0.1
"""Negative clicks at most, and the share of a neighbour that needs none."""
MORE = (56, 76, 49, 57, 68)
ARROW = ((0, 0), (0, 19), (5, 15), (9, 23), (12, 22), (8, 13), (15, 13))


class Tour:
    """One session, and the pictures of it.

    Parameters
    ----------
    out : Path
        Folder of the pictures.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.truth = read_labels(SAMPLE)
        self.viewer: Any = None
        self.open_window()

    def open_window(self) -> None:
        """Open napari, the nuclei without their true labels, and the dock."""
        self.viewer = napari.Viewer(title="napari")
        self.viewer.window.resize(1200, 800)
        self.viewer.open_sample("napari-sam21", SAMPLE)
        self.viewer.layers.remove(self.viewer.layers[f"{SAMPLE} (true labels)"])
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-sam21")
        self.widget: Any = widget
        self.controller: Any = widget.controller
        self.hands = Hands(self.viewer)
        rest(300)

    def ready(self) -> None:
        """Wait until a click is answered at once, and all is drawn."""
        rest(400)
        wait_until(self.controller.editor.is_ready)
        rest(600)

    def look_at(self, place: tuple[float, ...], zoom: float) -> None:
        """Zoom in on a place of the world."""
        camera = getattr(self.viewer, "scene", self.viewer).camera
        camera.center, camera.zoom = (0.0, *place[-2:]), zoom
        self.ready()

    def inside(self, label: int) -> tuple[int, int]:
        """The innermost pixel of a true object."""
        return first_click(self.truth == label)

    def answered(self) -> None:
        """Wait for an answer, and its drawing."""
        wait_until(lambda: self.controller.view().can_commit)
        rest(400)

    def click(self, label: int, **options: Any) -> None:
        """Click an object."""
        self.hands.click(self.inside(label), **options)
        rest(50)
        self.answered()

    def mask(self, index: int | None = None) -> Any:
        """One candidate of the answer on show; without a number, the one shown."""
        shown = self.controller.view().index if index is None else index
        return self.controller.editor.draft().answer.mask(shown)

    def next_candidate(self) -> None:
        """Press K."""
        self.hands.press(Qt.Key.Key_K)
        rest(100)

    def commit(self) -> None:
        """Press Enter."""
        self.hands.press(Qt.Key.Key_Return)
        wait_until(lambda: not self.controller.editor.marks)
        rest(300)

    # --- pictures ----------------------------------------------------------------

    def take(
        self, name: str, mouse: tuple[int, int] | None, over: QWidget | None
    ) -> None:
        """Save the window, the mouse, and a window over it."""
        rest(300)
        shot = self.viewer.screenshot(canvas_only=False, flash=False)[..., :3]
        picture = Image.fromarray(np.ascontiguousarray(shot))
        if over is not None:
            # A window over an active napari is styled by it; here none is active.
            over.setStyleSheet(self.viewer.window._qt_window.styleSheet())
            rest(100)
            over.adjustSize()
            picture = _laid_over(picture, _picture_of(over))
        if mouse is not None:
            _draw_mouse(picture, self._in_window(mouse))
        # The points' colours are rare, and must stay what they are.
        rare = Image.Quantize.MAXCOVERAGE
        few = picture.quantize(COLOURS, method=rare, dither=Image.Dither.NONE)
        path = self.out / f"tour-{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        few.save(path, optimize=True)
        if path.stat().st_size > LIMIT_BYTES:
            raise SystemExit(f"{path} has {path.stat().st_size:,} bytes")

    def _in_window(self, place: tuple[int, int]) -> tuple[int, int]:
        canvas = self.viewer.window._qt_viewer.canvas.native
        frame = self.viewer.window._qt_window
        at = canvas.mapTo(frame, self.hands._place(place))
        return int(at.x()), int(at.y())


def _picture_of(window: QWidget) -> Image.Image:
    shot = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits: Any = shot.constBits()
    bits.setsize(shot.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(shot.height(), shot.bytesPerLine())
    pixels = rows[:, : 3 * shot.width()].reshape(shot.height(), shot.width(), 3)
    return Image.fromarray(pixels.copy())


def _laid_over(below: Image.Image, above: Image.Image) -> Image.Image:
    """Put a window into the middle of another one, with a frame around it."""
    framed = Image.new("RGB", (above.width + 2, above.height + 2), (140, 140, 140))
    framed.paste(above, (1, 1))
    place = (below.width - framed.width) // 2, (below.height - framed.height) // 2
    below.paste(framed, place)
    return below


def _draw_mouse(picture: Image.Image, at: tuple[int, int]) -> None:
    corners = [(at[0] + x, at[1] + y) for x, y in ARROW]
    ImageDraw.Draw(picture).polygon(corners, fill=(255, 255, 255), outline=(0, 0, 0))


def dialog() -> QDialog:
    """Wait for a window that asks something."""

    def shown() -> list[QDialog]:
        every = QApplication.topLevelWidgets()
        return [w for w in every if isinstance(w, QDialog) and w.isVisible()]

    wait_until(lambda: bool(shown()))
    rest(200)
    return shown()[0]


# --- what is shown ---------------------------------------------------------------

Shown = tuple[tuple[int, int] | None, QWidget | None]
"""Where the mouse is, and what window lies over napari's."""
NOTHING: Shown = (None, None)


def open_image(tour: Tour) -> Shown:
    tour.viewer.reset_view()
    tour.ready()
    return NOTHING


def hover(tour: Tour) -> Shown:
    # So small in the model's eyes, two nuclei that touch may be taken for one.
    tour.controller.set_field("whole")
    tour.look_at(tour.inside(OBJECT), 5.0)
    tour.hands.point_at(tour.inside(NEIGHBOUR))
    wait_until(lambda: tour.controller.editor.scene.preview.hints)
    return tour.inside(NEIGHBOUR), None


def click(tour: Tour) -> Shown:
    tour.click(OBJECT)
    return tour.inside(OBJECT), None


def candidates(tour: Tour) -> Shown:
    tour.next_candidate()
    return tour.inside(OBJECT), None


def correct(tour: Tour) -> Shown:
    largest = int(np.argmax([tour.mask(n).sum() for n in range(3)]))
    while tour.controller.view().index != largest:
        tour.next_candidate()
    place = tour.inside(NEIGHBOUR)
    for _ in range(CORRECTIONS):
        tour.hands.click(place, modifier=SHIFT)
        rest(50)
        tour.answered()
        left = tour.mask() & (tour.truth == NEIGHBOUR)
        if left.sum() < NEGLIGIBLE * (tour.truth == NEIGHBOUR).sum():
            break
        place = first_click(left)
    return place, None


def box(tour: Tour) -> Shown:
    tour.commit()
    tour.controller.set_field("follow")
    rows, columns = np.nonzero(tour.truth == BOXED)
    first, last = (rows.min(), columns.min()), (rows.max(), columns.max())
    middle = ((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)
    tour.look_at(middle, 5.0)
    tour.hands.press(Qt.Key.Key_W)
    tour.hands.drag(first, last)
    tour.answered()
    return (int(last[0]), int(last[1])), None


def committed(tour: Tour) -> Shown:
    tour.commit()
    for label in MORE:
        tour.look_at(tour.inside(label), 5.0)
        tour.click(label)
        tour.commit()
    tour.look_at(tour.inside(BOXED), 3.0)
    return NOTHING


def everything(tour: Tour) -> Shown:
    tour.viewer.reset_view()
    tour.ready()
    row = tour.widget._many
    row.fill_menu()
    row.menu.actions()[0].trigger()
    wait_until(lambda: tour.controller.many.tray.count > 0)
    rest(500)
    return NOTHING


def slices(tour: Tour) -> Shown:
    many = tour.widget._many
    tour.hands.push(many._accept)
    wait_until(lambda: tour.controller.many.tray.count == 0)
    tour.viewer.layers.clear()
    image = tour.viewer.add_image(stack(), name="stack", scale=(2, 0.5, 0.5))
    tour.viewer.dims.set_point(0, 6.0)
    tour.viewer.reset_view()
    tour.ready()
    tour.hands.click(image.data_to_world((3, 183, 143)))
    tour.answered()
    tour.hands.push(many._slices)
    return None, dialog()


def carried(tour: Tour) -> Shown:
    asked: Any = dialog()
    tour.hands.push(asked.go)
    wait_until(lambda: tour.controller.many.tray.count == 1)
    tour.viewer.dims.set_point(0, 10.0)
    tour.ready()
    return NOTHING


def restore(tour: Tour) -> Shown:
    tour.viewer.window.remove_dock_widget(tour.widget)
    wait_until(lambda: tour.widget.controller is None)
    tour.viewer.close()
    tour.open_window()
    return None, dialog()


class Stop(NamedTuple):
    """One picture: its name, what is done before, and what is said of it."""

    name: str
    act: Callable[[Tour], Shown]
    text: str


STOPS = (
    Stop(
        "1-open", open_image,
        "Open an image and the dock (*Plugins ▸ napari-sam21*): it is embedded at "
        "once, and the dock says when it is ready.",
    ),
    Stop(
        "2-hover", hover,
        "Move the mouse over an object: in white, the mask that a click would give.",
    ),
    Stop(
        "3-click", click,
        "Click it: the mask is shown in yellow, and is no label yet.",
    ),
    Stop(
        "4-candidates", candidates,
        "The model gives three masks, each with the IoU that it expects of it; **K** "
        "shows the next one.",
    ),
    Stop(
        "5-correct", correct,
        "**Shift+click** (or right-click) what is not part of it: a negative point, "
        "and the mask lets go of it. Click what is still wrong, till nothing is.",
    ),
    Stop(
        "6-box", box,
        "**W**, then drag: a box asks for what is in it, from any corner.",
    ),
    Stop(
        "7-commit", committed,
        "**Enter** writes the mask into the labels, each object with the next free id; "
        "**Ctrl+Z** takes it back, **T** over a label takes it up again.",
    ),
    Stop(
        "8-everything", everything,
        "*Find ▸ Segment everything here* finds the rest; erase what you do not want, "
        "then accept or discard it all.",
    ),
    Stop(
        "9-slices", slices,
        "In a stack, click an object in one slice, then *Through slices…*: how far it "
        "is followed, and what ends it.",
    ),
    Stop(
        "10-carried", carried,
        "The object in another slice: again a preview, accepted or discarded as one "
        "step.",
    ),
    Stop(
        "11-restore", restore,
        "Nothing is lost: what was not saved is offered when the image is opened "
        "again, even after a crash.",
    ),
)  # fmt: skip


def page() -> str:
    """Return the tour as a page."""
    parts = [
        "# A tour in pictures",
        "What each step looks like. The rest is in [Using the dock](using.md). The "
        "pictures and this page are made by `python -m scripts.tour`.",
    ]
    for number, stop in enumerate(STOPS, 1):
        alt = stop.name.partition("-")[2].capitalize()
        parts += [
            f"## {number}. {alt}",
            stop.text,
            f"![{alt}](images/tour-{stop.name}.png)",
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Take the pictures, write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=DOCS / "images", help="folder")
    out: Path = parser.parse_args().out
    with tempfile.TemporaryDirectory() as places:
        os.environ["NAPARI_CONFIG"] = str(Path(places) / "settings.yaml")
        os.environ["NAPARI_SAM21_SESSIONS"] = places
        os.environ["NAPARI_SAM21_CACHE"] = "off"
        tour = Tour(out)
        for stop in STOPS:
            tour.take(stop.name, *stop.act(tour))
        dialog().reject()
        rest(100)
        tour.viewer.close()
    (DOCS / "tour.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
