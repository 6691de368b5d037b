"""Every benchmark, one after the other, into docs/performance.md.

    python bench/all.py [--quick]

Needs root on Debian. --quick takes small numbers and writes nothing: it shows that all of them work.
"""

import argparse
import subprocess
import sys
from pathlib import Path

FULL = (
    ["idle.py", "--write"],
    ["start_up.py", "--write"],
    ["evaluation.py", "--write"],
    ["reports.py", "--write"],
    ["audit.py", "--write"],
    ["tree.py", "--write"],
)
QUICK = (
    ["idle.py", "--repeat", "3"],
    ["start_up.py", "--repeat", "2"],
    ["evaluation.py", "--hosts", "10,50", "--repeat", "1"],
    ["reports.py", "--hosts", "5", "--repeat", "1"],
    ["audit.py", "--hosts", "2", "--rtt", "20", "--repeat", "1"],
    ["tree.py", "--files", "3000", "--select", "AISEC-ART-03,AISEC-SUP-03"],
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    for script, *options in QUICK if parser.parse_args().quick else FULL:
        subprocess.run([sys.executable, Path(__file__).with_name(script), *options], check=True)


if __name__ == "__main__":
    main()
