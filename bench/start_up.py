"""What an audit costs the controller before it asks a host: CPU seconds, beside one empty test of pytest.

    python bench/start_up.py [--python PYTHON] [--against DIRECTORY] [--repeat 15] [--write]

The package is that of this checkout. --python names an interpreter of an environment that has what the
package needs and nothing else, so that other plugins of pytest cost nothing; --against a checkout of an
earlier commit, which is measured in the same repetitions.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import measure
import page

HERE = Path(__file__).resolve().parents[1]
MANY = 130
CONTROL = re.compile(r"""(@control\(\s*["'])AISEC-""")
EMPTY = "one empty test"
MORE = f"the first, with {MANY} controls in the catalog"
HOSTS = "--hosts=ssh://nowhere.invalid"
AUDITS: Mapping[str, Sequence[str]] = {
    "`aisec run training-node --collect-only`": ("run", "training-node", "-q", "--collect-only", HOSTS),
    "the same, of a host that is not there": (
        *("run", "training-node", "-q", "-k", "no_control"),
        *("--aisec-no-reports", "--aisec-cache=none", HOSTS),
    ),
    "`aisec controls`": ("controls",),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--write", action="store_true", help="also into docs/performance.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisec-bench-") as directory:
        here = Path(directory)
        many = here / "many"
        enlarge(many, arguments.python)
        (here / "test_empty.py").write_text("def test_empty():\n    pass\n")
        (here / "pytest.ini").write_text("[pytest]\n")
        runs = {
            name: partial(seconds, [arguments.python, "-m", *command], here, package)
            for name, (command, package) in variants(many, arguments.against).items()
        }
        for run in runs.values():
            run()  # compiles what has not been compiled yet
        series = measure.interleave(runs, repeat=arguments.repeat, budget=float("inf"))
    page.publish("start_up", render(series), write=arguments.write)


def variants(many: Path, against: Path | None) -> Mapping[str, tuple[Sequence[str], Path]]:
    """Return what is measured: a module with its arguments, and the copy of the package that it is with."""
    empty = ("pytest", "-q", "-p", "no:cacheprovider", "test_empty.py")
    found: dict[str, tuple[Sequence[str], Path]] = {EMPTY: (empty, HERE)}
    for name, options in AUDITS.items():
        command = ("pytest_aisec.cli", *options)
        if against:
            found[f"{name}, before"] = command, against.resolve()
        found[name] = command, HERE
    first, *_ = AUDITS.values()
    return {**found, MORE: (("pytest_aisec.cli", *first), many)}


def seconds(command: Sequence[str], cwd: Path, package: Path) -> float:
    """Return the CPU seconds of a command, with a certain copy of the package."""
    environment = {**measure.quiet_environment(), "PYTHONPATH": str(package)}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode not in {0, 5, 10}:
            ended = f"{' '.join(command)}\nended with {process.returncode}"
            raise SystemExit(f"{ended}:\n{output.read().decode()}")
    return usage.ru_utime + usage.ru_stime


def enlarge(where: Path, python: str) -> None:
    """Make a copy of the package whose catalog has as many controls as there shall be."""
    for name in ("pytest_aisec", "controls", "profiles"):
        shutil.copytree(HERE / name, where / name, ignore=shutil.ignore_patterns("__pycache__"))
    (where / "tests").mkdir()
    shutil.copy(HERE / "tests/check_index.py", where / "tests")
    files = sorted((where / "controls").rglob("test_*.py"))
    number = sum(len(CONTROL.findall(path.read_text())) for path in files)
    for count, path in enumerate(files * 2):
        if number >= MANY:
            break
        text, made = CONTROL.subn(rf"\g<1>MORE{count}-", path.read_text())
        path.with_name(f"test_more_{count}_{path.name}").write_text(text)
        number += made
    environment = {**measure.quiet_environment(), "PYTHONPATH": str(where)}
    subprocess.run([python, where / "tests/check_index.py", "--write"], env=environment, check=True)


def render(series: measure.Series) -> str:
    rows = [
        [name, page.number(series.median(name)), page.number(series.ratio(name, EMPTY))]
        for name in series.values
    ]
    head = ["CPU seconds of the process", "median", "times the empty test"]
    return f"{page.table(head, rows)}\n\n{series.count(EMPTY)} repetitions of each, interleaved."


if __name__ == "__main__":
    main()
