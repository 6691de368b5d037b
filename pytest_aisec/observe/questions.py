"""Questions of one evaluation of one control."""

from __future__ import annotations

from collections.abc import Mapping


class Questions:
    """Questions that were asked, and those that are open while the collector looks for questions.

    Args:
        collecting: whether a question without an answer stays open, instead of being asked at once.

    """

    def __init__(self, *, collecting: bool = False) -> None:
        self.collecting = collecting
        self._asked: dict[str, None] = {}
        self._before: dict[str, None] = {}
        self._open: dict[str, str] = {}

    @property
    def asked(self) -> list[str]:
        """Commands that the control asked, in order, each once."""
        return [*self._asked]

    @property
    def all(self) -> list[str]:
        """Commands that were asked for the control or by it, in order, each once."""
        return [*(self._before | self._asked)]

    @property
    def open(self) -> Mapping[str, str]:
        """Questions that have no answer yet: as recorded → as asked."""
        return self._open

    def note(self, key: str) -> None:
        """Take down that a command was asked."""
        self._asked[key] = None

    def leave_open(self, key: str, question: str) -> None:
        """Take down a question that has no answer yet, or may come up later."""
        self._open[key] = question

    def begin_control(self) -> None:
        """Take what was asked so far as asked for the control, such as for the platform, not by it."""
        self._before |= self._asked
        self._asked = {}
