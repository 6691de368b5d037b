"""How long regular expressions take for the texts that are worst for them: `python -m bench.growth`.

Every shape of the redaction, and every regular expression that reads what hosts answer. The texts are made
from each pattern: its letters, its words and what nearly matches, again and again. The worst of those of
2 KiB is tried with 1, 2, 4 and 8 MB, by CPU time. Exit 1 when one grows worse than its text.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.support.growth import PLACES, Found, Text, call_of, patterns, seconds, shapes, texts

MEGABYTE = 1_000_000
SIZES = (1, 2, 4, 8)
WORSE = 1.6
"""Times what is linear: a busy machine is slow in one run and quick in another."""
MOST = 20.0
"""Seconds for a megabyte."""
TOO_QUICK = 0.05
"""Seconds for a megabyte that are too few to tell a growth from."""


class Measured(NamedTuple):
    """How long the worst text of a pattern takes, with 1, 2, 4 and 8 MB."""

    found: Found
    text: Text
    took: tuple[float, ...]

    @property
    def growth(self) -> float:
        """Times as long for eight times the text."""
        return self.took[-1] / max(self.took[0], TOO_QUICK)

    @property
    def is_worse(self) -> bool:
        return not self.growth <= SIZES[-1] * WORSE

    def __str__(self) -> str:
        times = " | ".join(f"{one:.2f}" for one in self.took)
        shown = " ".join(repr(part if len(part) < 30 else f"{part[:27]}…") for part in self.text)
        return f"| {self.found.where} | {self.found.how} | {shown} | {times} | {self.growth:.1f} |"


def measured(found: Found) -> Measured:
    """Try the worst text of a pattern with all sizes."""
    use = call_of(found.pattern, found.how)
    tried = texts(found.pattern, found.how)
    for size, most in ((2048, 4), (65536, 1)):
        ordered = sorted(tried, key=lambda text: seconds(use, text.of(size), 1.0), reverse=True)
        tried = ordered[:most]
    took: list[float] = []
    for size in SIZES:
        is_hopeless = bool(took) and took[-1] == float("inf")
        took.append(took[-1] if is_hopeless else seconds(use, tried[0].of(size * MEGABYTE), MOST * size))
    return Measured(found, tried[0], tuple(took))


def report(rows: Iterable[Measured], most: int) -> list[Measured]:
    """Print what took longest, and return what grows worse than its text."""
    ordered = sorted(rows, key=lambda row: (row.is_worse, row.took[-1]), reverse=True)
    worse = [row for row in ordered if row.is_worse]
    print("| where | used by | begin, again and again, end |", *(f"{size} MB |" for size in SIZES), "8 : 1 |")
    print("|---" * (len(SIZES) + 4) + "|")
    for row in ordered[: max(most, len(worse))]:
        print(row)
    print(f"{len(ordered)} patterns; {len(worse)} grow worse than their text")
    return worse


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("words", nargs="*", help="only patterns in whose place one of these stands")
    parser.add_argument("--rows", type=int, default=10, help="what to print (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="default: %(default)s")
    parser.add_argument("--verbose", action="store_true", help="print each as it is measured")
    given = parser.parse_args()
    found = [
        one
        for one in (*shapes(), *patterns(PLACES))
        if not given.words or any(word in one.where for word in given.words)
    ]
    rows = []
    with ProcessPoolExecutor(given.jobs) as pool:
        for row in pool.map(measured, found):
            rows.append(row)
            if given.verbose:
                print(row, file=sys.stderr, flush=True)
    return 1 if report(rows, given.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
