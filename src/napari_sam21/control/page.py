"""Our page in napari's Preferences, where there is one: from napari 0.9 on.

The page and our own file say the same. Where they differ, who was changed last counts:
the file remembers what the page said when they last agreed. Before napari 0.9 there is
no page, and a plugin cannot have one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLUGIN, SECTION = "napari-sam21", "dock"
"""As the manifest has them."""

KEYS = ("policy", "hover", "ahead", "journal", "threads")
"""Of the page's fields."""

Values = dict[str, Any]


def napari_page() -> Any | None:
    """Return napari's settings of our page; None if it has none."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:  # before napari 0.9
        return None
    try:
        return getattr(get_plugin_settings(PLUGIN), SECTION)
    except (KeyError, AttributeError):  # the plugin is not registered: a test, a script
        return None


class Page:
    """Reads the page, writes to it, and hears of it.

    Parameters
    ----------
    settings : EventedModel
        As `napari_page` returns it.
    changed : callable
        Called when the user changed something on the page.
    """

    def __init__(self, settings: Any, changed: Callable[[], None]) -> None:
        self._settings, self._changed = settings, changed
        self._ours = False
        for key in KEYS:
            getattr(settings.events, key).connect(self._heard)

    def close(self) -> None:
        """Stop listening."""
        for key in KEYS:
            getattr(self._settings.events, key).disconnect(self._heard)

    def values(self) -> Values:
        """Return what the page says."""
        return {key: getattr(self._settings, key) for key in KEYS}

    def show(self, values: Values) -> None:
        """Make the page say something; what it does not take stays as it is."""
        self._ours = True
        try:
            for key in KEYS:
                if getattr(self._settings, key) != values[key]:
                    self._put(key, values[key])
        finally:
            self._ours = False

    def _put(self, key: str, value: Any) -> None:
        try:
            setattr(self._settings, key, value)
        except ValueError:  # of pydantic: not one of those that the manifest lists
            return

    def _heard(self, event: Any = None) -> None:
        if not self._ours:
            self._changed()


def merged(own: Values, page: Values, last: Values | None) -> Values:
    """Return what holds, field by field: what was changed since they agreed.

    Parameters
    ----------
    own : dict
        What our file says.
    page : dict
        What the page says.
    last : dict or None
        What the page said when they last agreed; None: they never did.

    Notes
    -----
    If both were changed, the page counts: it is what the user sees. A page that was
    never met says nothing where it is as at first; the caller passes that as ``last``.
    """
    known = last or {}
    return {
        key: page[key] if page[key] != known.get(key, page[key]) else own[key]
        for key in KEYS
    }
