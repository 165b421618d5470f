"""Small forms: what counts as an object, what seeds look like, how far to carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sam21.control.many import Many
from napari_sam21.control.many_slices import Course
from napari_sam21.control.wishes import axis_name
from napari_sam21.core.automatic import Filters
from napari_sam21.core.propagation import StopRules
from napari_sam21.layers.planes import Plane, level_shape

if TYPE_CHECKING:
    from napari.layers import Image


class Figure(NamedTuple):
    """A number that the user may set."""

    name: str
    text: str
    tip: str
    low: float
    high: float
    step: float


FILTERS = (
    Figure(
        "points_per_side", "Points a side",
        "A grid of so many by so many points is asked in each region. More find "
        "smaller objects, and take longer", 4, 128, 4,
    ),
    Figure(
        "min_score", "Predicted IoU above",
        "How well the model must expect a mask to fit. Lower finds more, and worse",
        0, 1, 0.05,
    ),
    Figure(
        "min_stability", "Stability at least",
        "How little a mask may depend on where exactly its edge is drawn", 0, 1, 0.05,
    ),
    Figure(
        "max_box_iou", "Overlap at most",
        "Of two masks whose boxes overlap more, the better one stays", 0, 1, 0.05,
    ),
    Figure("min_area", "Pixels at least", "Smaller objects are left out", 0, 10**6, 10),
    Figure(
        "max_share", "Share of the region",
        "Larger ones are left out: the background is no object", 0.01, 1, 0.05,
    ),
)  # fmt: skip
RULES = (
    Figure(
        "min_score", "Predicted IoU at least",
        "It ends where the model is less sure of its mask (0: never)", 0, 1, 0.05,
    ),
    Figure(
        "min_overlap", "Overlap at least",
        "It ends where its mask has less in common with the slice before (0: never)",
        0, 1, 0.05,
    ),
    Figure(
        "max_jump", "Area changes at most",
        "It ends where its area grows or shrinks by more than this factor", 1, 100, 0.5,
    ),
    Figure(
        "min_likeness", "Likeness at least",
        "It ends where it looks unlike the slice you began in (-1: never). This tells "
        "most ends: raise it if objects go on too far", -1, 1, 0.02,
    ),
)  # fmt: skip
"""What can be set, in the order of the form."""

METHODS = {
    "distance": "Middles of what is bright",
    "blobs": "Round spots",
}

Spins = Mapping[str, QSpinBox | QDoubleSpinBox]


class Form(QDialog):
    """A few fields, and a button that uses them.

    Parameters
    ----------
    parent : QWidget
    title, introduction, go : str
        What the window, its text and its button say.
    """

    def __init__(self, parent: QWidget, title: str, introduction: str, go: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(introduction)
        text.setWordWrap(True)
        self.fields = QFormLayout()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = QPushButton(go)
        self.buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self._use)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addLayout(self.fields)
        layout.addWidget(self.buttons)

    def use(self) -> None:
        """Do what the fields say."""
        raise NotImplementedError

    def _use(self) -> None:
        self.accept()
        self.use()

    def add_figures(self, figures: tuple[Figure, ...], values: object) -> Spins:
        """Add a field for each number of a value."""
        spins = {}
        for figure in figures:
            spin = _spin(figure, getattr(values, figure.name))
            self.fields.addRow(figure.text, spin)
            spins[figure.name] = spin
        return spins


def _spin(figure: Figure, value: float) -> QSpinBox | QDoubleSpinBox:
    whole = figure.step == int(figure.step)
    spin = QSpinBox() if whole else QDoubleSpinBox()
    if isinstance(spin, QSpinBox):
        spin.setRange(int(figure.low), int(figure.high))
        spin.setSingleStep(int(figure.step))
        spin.setValue(int(value))
    else:
        spin.setRange(figure.low, figure.high)
        spin.setSingleStep(figure.step)
        spin.setValue(value)
    spin.setToolTip(figure.tip)
    return spin


def _values(spins: Spins) -> dict[str, Any]:
    return {name: spin.value() for name, spin in spins.items()}


class FiltersDialog(Form):
    """What *everything* is."""

    def __init__(self, parent: QWidget, many: Many) -> None:
        super().__init__(
            parent,
            "Segment everything: settings",
            "A grid of points is asked, and of all the masks these are kept:",
            "Use",
        )
        self._many = many
        self.spins = self.add_figures(FILTERS, many.suited())
        defaults = self.buttons.addButton(
            QDialogButtonBox.StandardButton.RestoreDefaults
        )
        if defaults is not None:
            defaults.setToolTip("Those that suit the model in use")
            defaults.clicked.connect(lambda: self._restore())

    def _restore(self) -> None:
        self._many.filters = None
        suited = self._many.suited()
        for name, spin in self.spins.items():
            spin.setValue(getattr(suited, name))

    def use(self) -> None:
        """Keep them for this session, unless they are those of the model."""
        chosen = Filters(**_values(self.spins))
        self._many.filters = None
        if chosen != self._many.suited():
            self._many.filters = chosen


class SeedsDialog(Form):
    """What seeds look like."""

    def __init__(self, parent: QWidget, many: Many) -> None:
        super().__init__(
            parent,
            "Find seeds",
            "Points are put on the middles of things that stand out from the "
            "background, in the region that the model sees. Correct them, then choose "
            "“One object for each point of”.",
            "Find",
        )
        self._many = many
        self.diameter = QDoubleSpinBox()
        self.diameter.setRange(2, 10_000)
        self.diameter.setDecimals(0)
        self.diameter.setValue(many.diameter)
        self.diameter.setToolTip("Of a typical object, in pixels of the image")
        self.method, self.dark = QComboBox(), QCheckBox("Darker than around")
        self.method.addItems(list(METHODS.values()))
        self.dark.setToolTip("For stained tissue on white, for instance")
        self.fields.addRow("Diameter (pixels)", self.diameter)
        self.fields.addRow("Look for", self.method)
        self.fields.addRow("", self.dark)

    def use(self) -> None:
        """Find them."""
        method = list(METHODS)[self.method.currentIndex()]
        self._many.seeds(self.diameter.value(), method, self.dark.isChecked())


class CarryDialog(Form):
    """How far an object is carried, and what ends it."""

    def __init__(self, parent: QWidget, many: Many, image: Image, plane: Plane) -> None:
        super().__init__(
            parent,
            "Carry through slices",
            "The object on show, or the selected label of the output layer, is looked "
            "for in the slices before and after this one, until one of these limits "
            "says that it has ended. You see the result before anything is written.",
            "Carry",
        )
        self._many, self._here = many, dict(plane.hidden)
        self._sizes = level_shape(image)
        self._axes = [axis for axis, _ in plane.hidden if self._sizes[axis] > 1]
        self.axis, self.before, self.after = QComboBox(), QSpinBox(), QSpinBox()
        self.axis.addItems([axis_name(image, axis) for axis in self._axes])
        self.axis.currentIndexChanged.connect(lambda _: self._show_axis())
        for spin, tip in ((self.before, "before"), (self.after, "after")):
            spin.setToolTip(f"How many slices {tip} this one at most; 0 is none")
            spin.setSuffix(" slices")
        self.fields.addRow("Along", self.axis)
        self.fields.addRow("Back", self.before)
        self.fields.addRow("Forward", self.after)
        self.spins = self.add_figures(RULES, many.rules)
        self._show_axis()

    def _axis(self) -> int:
        return self._axes[self.axis.currentIndex()]

    def _show_axis(self) -> None:
        """Go as far as the axis reaches."""
        here, size = self._here[self._axis()], self._sizes[self._axis()]
        for spin, most in ((self.before, here), (self.after, size - 1 - here)):
            spin.setRange(0, most)
            spin.setValue(most)

    def use(self) -> None:
        """Carry."""
        here = self._here[self._axis()]
        span = (here - self.before.value(), here + self.after.value() + 1)
        rules = StopRules(**_values(self.spins))
        self._many.carry(Course(self._axis(), span, rules))
