"""Check that the layout of reports has a number of its own for what it is; --write raises it.

python tests/check_versions.py [--write]

What a stored bundle renders to, and the templates, have the digests in tests/layout.json. Where they have not,
reports of this program are others than those of bundles with this number: `verify` would call those changed.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

from pytest_aisec.evidence import bundle
from pytest_aisec.report import formats, layout

STORED = Path(__file__).parent / "bundles" / "manifest-1.0-run-1.0-plan-1.0-transcript-1.0" / "signed"
STORE = Path(__file__).with_name("layout.json")
SOURCE = Path(layout.__file__)
NUMBER = re.compile(r"^LAYOUT = (\d+)$", re.MULTILINE)
TEMPLATES = SOURCE.parent / "templates"


def digests(templates=TEMPLATES):
    """Return the SHA-256 of each template, and of each report of a stored bundle."""
    found = bundle.read(STORED)
    texts = {
        path: text.encode()
        for item in formats.REPORTS
        for path, text in formats.render(item, found.run, found.verdict)
    }
    texts |= {f"templates/{path.name}": path.read_bytes() for path in templates.iterdir() if path.is_file()}
    return {name: hashlib.sha256(texts[name]).hexdigest() for name in sorted(texts)}


def problems(stored, number, made):
    """Return one sentence for each report that is not what the layout of that number is."""
    if stored["layout"] != number:
        return [f"report layout {number} has no digests in {STORE.name}, which is of {stored['layout']}"]
    before = stored["digests"]
    return [
        f"{name}: is not that of report layout {number}"
        for name in sorted(before.keys() | made.keys())
        if before.get(name) != made.get(name)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="raise the number, where reports changed")
    arguments = parser.parse_args()
    stored, source, made = json.loads(STORE.read_text()), SOURCE.read_text(), digests()
    number = int(NUMBER.search(source)[1])
    found = problems(stored, number, made)
    if not found or not arguments.write:
        print(*found, sep="\n" if found else "", end="")
        if found:
            print("\nraise the number: python tests/check_versions.py --write")
        return 1 if found else 0
    number = max(number, stored["layout"] + 1)
    SOURCE.write_text(NUMBER.sub(f"LAYOUT = {number}", source))
    STORE.write_text(json.dumps({"layout": number, "digests": made}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
