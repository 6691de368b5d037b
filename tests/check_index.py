"""Check that the index of our controls says what their files say; --write makes it anew.

python tests/check_index.py [--write]
"""

import argparse
import sys

from pytest_aisec.catalog import index
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import control_files, read_controls


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="make it anew")
    arguments = parser.parse_args()
    root = content_root()
    found, problems = read_controls(control_files([root]))
    if problems:
        print("\n".join(problems.values()))
        return 1
    text, path = index.make(root.controls, found.values()), root.controls / index.NAME
    if arguments.write:
        path.write_text(text, encoding="utf-8")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path} is not what the controls say: run python tests/check_index.py --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
