"""What the installed plugin costs a pytest that does not audit: one empty test, with it and without.

    python bench/idle.py [--repeat 21] [--write]

"Without" is run twice in every repetition: how much the two differ is the noise.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import measure
import page

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_empty.py"]
VARIANTS = {
    "with the plugin": PYTEST,
    "`-p no:aisec`": [*PYTEST, "-p", "no:aisec"],
    "`-p no:aisec`, again": [*PYTEST, "-p", "no:aisec"],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=21)
    parser.add_argument("--write", action="store_true", help="also into docs/performance.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisec-bench-") as directory:
        here = Path(directory)
        (here / "test_empty.py").write_text("def test_empty():\n    pass\n")
        (here / "pytest.ini").write_text("[pytest]\n")
        for command in VARIANTS.values():
            measure.run(command, cwd=here)  # compiles what has not been compiled yet
        series = measure.interleave(
            {name: lambda c=command: measure.run(c, cwd=here).seconds for name, command in VARIANTS.items()},
            repeat=arguments.repeat,
            budget=float("inf"),
        )
    page.publish("idle", render(series, arguments.repeat), write=arguments.write)


def render(series: measure.Series, repeat: int) -> str:
    base = series.values["`-p no:aisec`"]
    rows = []
    for name, values in series.values.items():
        low, middle, high = statistics.quantiles(values, n=4)
        gap = statistics.median(value - other for value, other in zip(values, base, strict=True))
        rows.append([name, *(f"{1000 * value:.0f}" for value in (middle, low, high)), f"{1000 * gap:+.1f}"])
    head = ["ms, start to end", "median", "lower quartile", "upper quartile", "difference, median of pairs"]
    return f"{page.table(head, rows)}\n\n{repeat} repetitions of each, interleaved."


if __name__ == "__main__":
    main()
