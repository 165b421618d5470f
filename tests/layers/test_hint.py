"""A word on the canvas borrows the overlay, and gives it back."""

from __future__ import annotations

from napari.components import ViewerModel

from napari_sam21.layers.hint import FIRST_STEPS, CanvasHint, text_overlay


def test_it_is_shown_then_gone() -> None:
    viewer = ViewerModel()
    overlay = text_overlay(viewer)
    overlay.font_size = 17
    hint = CanvasHint(viewer)
    hint.show()
    hint.show()
    assert overlay.visible
    assert overlay.text == FIRST_STEPS
    hint.hide()
    assert not overlay.visible
    assert (overlay.text, overlay.font_size) == ("", 17)
    hint.hide()
    assert not overlay.visible


def test_what_the_user_wrote_stays() -> None:
    viewer = ViewerModel()
    overlay = text_overlay(viewer)
    overlay.text, overlay.visible = "my figure", True
    hint = CanvasHint(viewer)
    hint.show()
    assert not hint.on_show
    hint.hide()
    assert (overlay.text, overlay.visible) == ("my figure", True)


def test_what_the_user_writes_meanwhile_stays() -> None:
    viewer = ViewerModel()
    hint = CanvasHint(viewer)
    hint.show()
    text_overlay(viewer).text = "mine"
    hint.hide()
    assert text_overlay(viewer).text == "mine"
    assert text_overlay(viewer).visible
