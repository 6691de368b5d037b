"""Evaluation alone: verdicts on replay, against as many empty tests of plain pytest.

    python bench/evaluation.py [--profile training-node] [--select WHAT] [--hosts 100,1000,10000]
                               [--processes 0,2] [--repeat 5] [--budget 120] [--bundle DIR] [--write]

The transcript is that of one lab host (root on Debian), or of the only host of --bundle. Every repetition
replays N copies of it and runs as many empty tests in as many functions with the same -n, the order changing.
What would take more than --budget seconds is repeated less often.
"""

import argparse
import json
import math
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import measure
import page

OURS, EMPTY = "ours", "empty"
TIME_TARGET, MEMORY_TARGET = "≤ 1.5", "≤ 3"


@dataclass(frozen=True, kw_only=True)
class Line:
    """The result for one number of hosts and processes."""

    hosts: int
    processes: int
    verdicts: int
    series: measure.Series
    peak_rss: dict[str, float]
    """Bytes by variant, median."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", default="training-node")
    parser.add_argument("--select", help="only these controls, as with --aisec-select")
    parser.add_argument("--hosts", type=numbers, default=[100, 1000, 10000])
    parser.add_argument("--processes", type=numbers, default=[0, 2], help="for -n; 0: without xdist")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--budget", type=float, default=120, help="seconds for each variant of a line")
    parser.add_argument("--bundle", type=Path, help="a bundle with one host; no lab is needed then")
    parser.add_argument("--write", action="store_true", help="also into docs/performance.md")
    arguments = parser.parse_args()
    options = [f"--aisec-select={arguments.select}"] if arguments.select else []
    lines = []
    with ExitStack() as stack:
        source = arguments.bundle or stack.enter_context(one_host(arguments.profile, options))
        for count in arguments.hosts:
            with copies(source.resolve(), count) as directory:
                for processes in arguments.processes:
                    line = compare(directory, count, processes, [arguments.profile, *options], arguments)
                    print(summary(line), flush=True)
                    lines.append(line)
    page.publish("evaluation", render(lines), write=arguments.write)


def numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


@contextmanager
def one_host(profile: str, options: Sequence[str]) -> Iterator[Path]:
    """Give the bundle of an audit of one lab host."""
    import lab  # noqa: PLC0415 - not needed with --bundle

    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory:
        with lab.hosts(1) as (network, running):
            command = [
                *(sys.executable, "-m", "pytest_aisec.cli", "run", profile, "-q", "--aisec-cache=none"),
                *(lab.specs(running), f"--ssh-config={network.ssh_config}", "--aisec-evidence=bundle"),
            ]
            measure.run([*command, *options], cwd=Path(directory), ends_with=(0, 1))
        yield Path(directory) / "bundle"


@contextmanager
def copies(source: Path, count: int) -> Iterator[Path]:
    """Give a directory with a bundle of `count` hosts and a module with an empty test for each verdict.

    The bundle is made in a process of its own: the size of a process shows in the peaks of its children.
    """
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory:
        here = Path(directory)
        writer = multiprocessing.get_context("spawn").Process(
            target=_write, args=(source, here / "bundle", count)
        )
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit(f"no bundle of {count} hosts could be written")
        functions = len(json.loads((source / "run.json").read_text(encoding="utf-8"))["controls"])
        (here / "pytest.ini").write_text("[pytest]\n")
        (here / "test_empty.py").write_text(
            "import pytest\n"
            f"every_host = pytest.mark.parametrize('host', [f'ssh://host-{{i}}' for i in range({count})])\n"
            + "".join(f"@every_host\ndef test_{i}(host):\n    pass\n" for i in range(functions))
        )
        yield here


def _write(source: Path, directory: Path, count: int) -> None:
    import copies as bundles  # noqa: PLC0415 - keeps the process that measures small

    bundles.write(source, directory, count)


def compare(
    directory: Path, count: int, processes: int, audit: Sequence[str], arguments: argparse.Namespace
) -> Line:
    """Measure both variants with the same number of processes."""
    expected = _ledger(directory / "bundle")
    peaks: dict[str, list[int]] = {OURS: [], EMPTY: []}
    spread = [f"-n{processes}"] if processes else []

    def run(name: str, command: Sequence[str], **options: object) -> float:
        measured = measure.run(
            [sys.executable, "-m", *command, "-q", *spread], cwd=directory, tree=bool(processes), **options
        )
        peaks[name].append(measured.peak_rss)
        return measured.seconds

    def replay() -> float:
        with tempfile.TemporaryDirectory(prefix="aisec-b-") as out:
            evidence = Path(out) / "bundle"
            seconds = run(
                OURS,
                [
                    *("pytest_aisec.cli", "run", *audit, "--tb=no"),
                    *("--aisec-replay=bundle", f"--aisec-evidence={evidence}"),
                ],
                ends_with=(0, 1),
            )
            if _ledger(evidence) != expected:
                raise SystemExit(f"on replay {_ledger(evidence)}, in the bundle {expected}")
            return seconds

    empty = ["pytest", "-p", "no:aisec", "-p", "no:cacheprovider", "test_empty.py"]
    series = measure.interleave(
        {OURS: replay, EMPTY: partial(run, EMPTY, empty)}, repeat=arguments.repeat, budget=arguments.budget
    )
    return Line(
        hosts=count,
        processes=processes,
        verdicts=expected["planned"],
        series=series,
        peak_rss={name: statistics.median(values) for name, values in peaks.items()},
    )


def _ledger(bundle: Path) -> dict[str, int]:
    # A JSON of 10 000 hosts is large, and only its end is needed: read it in a process that goes away.
    code = "import json, sys; print(json.dumps(json.load(open(sys.argv[1]))['ledger']))"
    done = measure.run([sys.executable, "-c", code, str(bundle / "run.json")], cwd=bundle)
    return json.loads(done.output)


def summary(line: Line) -> str:
    spread = "; ".join(
        f"{name}: {' '.join(map(page.number, values))}" for name, values in line.series.values.items()
    )
    return f"{line.hosts} hosts, -n {line.processes}: {spread}"


def render(lines: Sequence[Line]) -> str:
    """Return the table; memory a verdict is the growth from the line before with the same processes."""
    ordered = sorted(lines, key=lambda line: (line.processes, line.hosts))
    before = [None, *ordered]
    rows = []
    for previous, line in zip(before, ordered, strict=False):
        same = previous if previous and previous.processes == line.processes else None
        ours, empty = (_growth(same, line, name) for name in (OURS, EMPTY))
        rows.append(
            [
                str(line.hosts),
                str(line.processes or "-"),
                str(line.verdicts),
                *(
                    f"{page.number(line.series.median(name))} ({line.series.count(name)})"
                    for name in (OURS, EMPTY)
                ),
                page.number(line.verdicts / line.series.median(OURS)),
                page.against(line.series.ratio(OURS, EMPTY), TIME_TARGET),
                *(page.number(line.peak_rss[name] / 1e6) for name in (OURS, EMPTY)),
                page.number(empty),
                page.against(ours - empty, MEMORY_TARGET),
            ]
        )
    head = [
        *("hosts", "-n", "verdicts", "replay, s", "empty tests, s", "verdicts a second", "replay ÷ empty"),
        *("peak, MB", "empty: peak, MB", "empty: KB a test", "ours on top: KB a verdict"),
    ]
    return (
        f"{page.table(head, rows)}\n\n"
        "Medians; in parentheses, of how many runs; after a figure its target, bold what misses it. "
        "Peaks are summed over all processes of a run; KB a verdict is how much the peak grew since the line "
        "above.\n"
    )


def _growth(previous: Line | None, line: Line, name: str) -> float:
    if previous is None:
        return math.nan
    return (line.peak_rss[name] - previous.peak_rss[name]) / (line.verdicts - previous.verdicts) / 1e3


if __name__ == "__main__":
    main()
