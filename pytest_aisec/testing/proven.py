"""Make the index of what is proven, which travels with the controls, from the recordings, which need not."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pytest_aisec.catalog.proven import NAME, Proven, dump
from pytest_aisec.testing import recordings
from pytest_aisec.testing.recordings import RecordingError

__all__ = ["NAME", "index", "write"]


def index(directory: Path) -> dict[str, Proven]:
    """Return what the recordings of a directory prove, by control; a file that cannot be believed, nothing.

    Args:
        directory: `tests/recordings`.

    """
    found = {}
    for name in recordings.all_in(directory):
        with suppress(RecordingError):
            held = recordings.load(recordings.file_of(directory, name))
            if held:
                newest = max(item.recorded_at for item in held.values())
                found[name] = Proven(recorded_at=newest[:10], scenarios=len(held))
    return found


def write(directory: Path, controls: Path) -> bool:
    """Write `controls/proven.json` anew from the recordings of a directory; none where nothing is proven.

    Returns:
        Whether the file has changed.

    """
    path, found = controls / NAME, index(directory)
    before = path.read_text(encoding="utf-8") if path.exists() else dump({})
    if before == dump(found):
        return False
    path.write_text(dump(found), encoding="utf-8")
    return True
