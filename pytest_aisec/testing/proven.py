"""Make the index of what is proven, which travels with the controls, from the recordings, which need not."""

from __future__ import annotations

from pathlib import Path

from pytest_aisec.catalog.proven import NAME, Proven, dump
from pytest_aisec.testing import recordings

__all__ = ["NAME", "index", "write"]


def index(directory: Path) -> dict[str, Proven]:
    """Return what the recordings of a directory prove, by control.

    Args:
        directory: `tests/recordings`.

    Raises:
        RecordingError: when a recording cannot be believed.

    """
    found = {}
    for name in recordings.all_in(directory):
        held = recordings.load(recordings.file_of(directory, name))
        if held:
            newest = max(item.recorded_at for item in held.values())
            found[name] = Proven(recorded_at=newest[:10], scenarios=len(held))
    return found


def write(directory: Path, controls: Path) -> bool:
    """Write `controls/proven.json` anew from the recordings of a directory.

    Returns:
        Whether the file has changed.

    Raises:
        RecordingError: when a recording cannot be believed; nothing is written then.

    """
    path, text = controls / NAME, dump(index(directory))
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.write_text(text, encoding="utf-8")
    return True
