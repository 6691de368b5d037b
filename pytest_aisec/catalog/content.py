"""Directories in which controls and profiles lie."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pytest_aisec.errors import UsageProblem


@dataclass(frozen=True, kw_only=True)
class ContentRoot:
    """A directory that holds `controls/`, `profiles/` or both."""

    path: Path

    @cached_property
    def controls(self) -> Path:
        """The directory of the control files; it may be absent."""
        return self.path / "controls"

    @cached_property
    def profiles(self) -> Path:
        """The directory of the profile files; it may be absent."""
        return self.path / "profiles"


def content_root() -> ContentRoot:
    """Return our own content: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return ContentRoot(path=package if (package / "controls").is_dir() else package.parent)


def content_roots(extra: Iterable[Path]) -> tuple[ContentRoot, ...]:
    """Return our own content followed by `extra` directories, each once.

    Raises:
        UsageProblem: when an extra directory does not exist or holds neither `controls/` nor `profiles/`.

    """
    roots = {content_root().path: content_root()}
    for given in extra:
        path = given.expanduser().resolve()
        if not path.is_dir():
            raise UsageProblem(f"--aisec-path {given}: there is no such directory")
        root = ContentRoot(path=path)
        if not root.controls.is_dir() and not root.profiles.is_dir():
            raise UsageProblem(
                f"--aisec-path {given}: it holds neither a controls/ nor a profiles/ directory"
            )
        roots[path] = root
    return tuple(roots.values())
