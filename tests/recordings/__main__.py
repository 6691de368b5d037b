"""Look at recordings: `python -m tests.recordings show AISEC-ART-03`, `… show AISEC-ART-03/private.pass.sh`.

Git shows the difference of two recordings as text after
`git config diff.recordings.textconv 'python -m tests.recordings show'`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_aisec.testing import recordings
from pytest_aisec.testing.recordings import RecordingError

HERE = Path(__file__).parent


def find(what: str) -> tuple[Path, str]:
    """Return the file that an id or path stands for, and the scenario that is meant; empty for all."""
    control, _, scenario = what.partition("/")
    path = recordings.file_of(HERE, control)
    if path.is_file():
        return path, scenario
    return Path(what), ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recordings", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="print what a file of recordings holds")
    show.add_argument("what", help="control, control/scenario, or a file")
    path, scenario = find(parser.parse_args().what)
    if not path.is_file():
        known = ", ".join(recordings.all_in(HERE)) or "none"
        print(f"{path}: no such file, and no control with recordings; known: {known}", file=sys.stderr)
        return 4
    try:
        found = recordings.load(path)
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 4
    if scenario and scenario not in found:
        print(f"{path}: has no {scenario}; known: {', '.join(sorted(found))}", file=sys.stderr)
        return 4
    for name, recording in sorted(found.items()):
        if scenario in {"", name}:
            sys.stdout.write(recordings.show(recording))
    return 0


if __name__ == "__main__":
    sys.exit(main())
