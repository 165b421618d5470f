"""Choices that are remembered between sessions: of the dock, its settings, the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from napari_sam21.control.ahead import Ahead
from napari_sam21.control.commits import Committer
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.hover import Hover
from napari_sam21.control.page import KEYS, Page, Values, merged, napari_page
from napari_sam21.core.cleaning import Cleaning
from napari_sam21.layers.field import FOLLOW, WHOLE
from napari_sam21.layers.look import SHOWN, STRETCHED
from napari_sam21.layers.writing import KEEP, OVERWRITE, POLICIES
from napari_sam21.models import keeping, preferences
from napari_sam21.models.preferences import Preferences

REMEMBERED = (KEEP, OVERWRITE)
"""Policies that a new session may begin with: the others are for a task at hand."""

REGIONS, LOOKS = (FOLLOW, WHOLE), (SHOWN, STRETCHED)
"""What of a session is worth bringing back: not a place, and no layers by name."""


class Desk(Protocol):
    """What has choices."""

    ahead: Ahead
    commits: Committer
    hover: Hover
    editor: ImageEditor | None
    cleaning: Cleaning

    def set_cleaning(self, largest_piece: bool, fill_holes: bool) -> None:
        """Choose how masks are cleaned."""

    def set_field(self, mode: str) -> None:
        """Choose the region that the model sees otherwise."""

    def set_look(self, mode: str) -> None:
        """Show the image to the model otherwise."""

    def editor_changed(self) -> None:
        """Tell who listens."""


class Habits:
    """Puts the user's choices back, and remembers them as they are made.

    Parameters
    ----------
    desk : Desk

    Attributes
    ----------
    chosen : Preferences
        As they are on disk.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._page: Page | None = None
        self.chosen = preferences.chosen()
        self._apply(self.chosen)

    def close(self) -> None:
        """Remember, and stop listening."""
        self.follow()
        if self._page is not None:
            self._page.close()
            self._page = None

    def follow(self) -> None:
        """Remember what is chosen in the dock now, if that is new."""
        if self.now() != self.chosen:
            self.read_again()
            self.choose(self.now())

    def read_again(self) -> None:
        """Take up what another napari has remembered meanwhile."""
        self.chosen = preferences.chosen()

    def now(self) -> Preferences:
        """Return what is chosen in the dock now, and the rest as it is on disk."""
        desk = self._desk
        policy = desk.commits.policy
        return replace(
            self.chosen,
            policy=policy if policy in REMEMBERED else self.chosen.policy,
            hover=desk.hover.enabled,
            largest_piece=desk.cleaning.largest_piece,
            fill_holes=desk.cleaning.fill_holes,
        )

    def choose(self, wanted: Preferences, ahead: bool | None = None) -> None:
        """Have it so from now on, in the dock, on disk, and on napari's page.

        Parameters
        ----------
        wanted : Preferences
        ahead : bool, optional
            Whether neighbours are embedded while the user rests.
        """
        if ahead is not None and ahead != keeping.chosen().ahead:
            keeping.remember_ahead(ahead)
            self._desk.ahead.switch(ahead)
        if self._page is not None:
            self._page.show(_values(wanted))
            wanted = replace(wanted, page=self._page.values())
        now = self.now()
        if wanted not in (self.chosen, now) or now != self.chosen:
            self.chosen = wanted
            preferences.remember(wanted)
            self._apply(wanted, now)
            self._desk.editor_changed()

    def join_page(self) -> None:
        """Keep step with napari's Preferences, where napari has a page for plugins."""
        settings = None if self._page is not None else napari_page()
        if settings is None:
            return
        first = {key: field.default for key, field in _fields(settings).items()}
        self._page = Page(settings, self._page_changed)
        self._take(self.chosen.page or first)

    def restore(self, settings: Mapping[str, Any]) -> None:
        """Go on as an earlier session was: its policy, region and look.

        Parameters
        ----------
        settings : mapping
            As a journal tells them; see `session.objects.last_settings`.
        """
        policy, region, look = (settings.get(k) for k in ("policy", "region", "look"))
        if policy in POLICIES:
            self._desk.commits.policy = str(policy)
        editor = self._desk.editor
        if editor is None:
            return
        if region in REGIONS and region != editor.field.mode:
            self._desk.set_field(str(region))
        if look in LOOKS and look != editor.sight.mode:
            self._desk.set_look(str(look))

    def _page_changed(self) -> None:
        self._take(self.chosen.page or {})

    def _take(self, last: Values) -> None:
        """Join what the page says with what we have."""
        if self._page is None:
            return
        own = self.now()
        found = merged(_values(own), self._page.values(), last)
        ahead = bool(found.pop("ahead"))
        self.choose(replace(own, **found), ahead)

    def _apply(self, wanted: Preferences, now: Preferences | None = None) -> None:
        """Have it so in the dock; a policy for a task at hand stays what it is."""
        is_new = now is None or wanted.policy != now.policy
        if is_new and wanted.policy in REMEMBERED:
            self._desk.commits.policy = wanted.policy
        if wanted.hover != self._desk.hover.enabled:
            self._desk.hover.switch(wanted.hover)
        cleaning = Cleaning(wanted.largest_piece, wanted.fill_holes)
        if cleaning != self._desk.cleaning:
            self._desk.set_cleaning(cleaning.largest_piece, cleaning.fill_holes)


def _values(chosen: Preferences) -> Values:
    found = {key: getattr(chosen, key) for key in KEYS if key != "ahead"}
    return {**found, "ahead": keeping.chosen().ahead}


def _fields(settings: Any) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = type(settings).model_fields
    return {key: fields[key] for key in KEYS}
