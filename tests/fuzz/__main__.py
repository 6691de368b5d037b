"""Fuzz what reads files and answers: `python -m tests.fuzz [TARGET ...] --seconds N`.

Guided by coverage (atheris). Without `--seconds` each target gets the same inputs each time, so that CI judges
a change and not its luck; with it, others in every run. What breaks a target is kept in `seeds/TARGET/`, where `tests/unit/test_fuzz.py`
runs it again from then on. Exit 1 when anything was found.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path

SEEDS = Path(__file__).with_name("seeds")
LONGEST = 10
"""Seconds for one input."""
MOST_MEMORY = 2048
"""MiB for a target, with the interpreter and all that it imported."""
LARGEST = 16_384
"""Bytes of an input."""


RUNS = 5_000
"""Inputs for a target where no time is given."""


def one(target: str, seconds: int, corpus: str) -> None:
    """Fuzz a target in this process, which ends with it."""
    import atheris

    from tests.fuzz.targets import TARGETS

    seeds = SEEDS / target
    seeds.mkdir(parents=True, exist_ok=True)
    # The first directory takes what covers something new; it is not kept.
    options = [
        corpus,
        str(seeds),
        f"-artifact_prefix={seeds}/",
        *([f"-max_total_time={seconds}"] if seconds else [f"-runs={RUNS}", "-seed=1"]),
        f"-timeout={LONGEST}",
        f"-rss_limit_mb={MOST_MEMORY}",
        f"-max_len={LARGEST}",
        "-print_final_stats=1",
        "-verbosity=0",
    ]

    def keeping(data: bytes) -> None:
        try:
            TARGETS[target](data)
        except BaseException:
            (seeds / f"crash-{sha256(data).hexdigest()[:16]}").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *options], keeping)
    atheris.Fuzz()


def apart(target: str, seconds: int) -> tuple[int, str]:
    """Fuzz a target in a fork, for which all is imported and instrumented; return its exit code and output."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryDirectory(prefix="aisec-corpus-") as corpus:
        pid = os.fork()
        if pid == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            try:
                one(target, seconds, corpus)
            finally:
                os._exit(1)  # libFuzzer ends the process itself
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        output.seek(0)
        return code, output.read().decode(errors="replace")


def main() -> int:
    """Fuzz each target in a process of its own, and say which broke."""
    import atheris

    with atheris.instrument_imports(include=["pytest_aisec"]):
        from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: all of {', '.join(TARGETS)}")
    default = int(os.environ.get("AISEC_FUZZ_SECONDS") or 0)
    parser.add_argument(
        "--seconds",
        type=int,
        default=default,
        help=f"for each target (default: {RUNS} inputs, always the same)",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="at the same time (default: %(default)s)"
    )
    given = parser.parse_args()
    if unknown := set(given.targets) - TARGETS.keys():
        parser.error(f"unknown target {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    broken = []
    targets = given.targets or list(TARGETS)
    with ThreadPoolExecutor(given.jobs) as pool:
        ended = pool.map(partial(apart, seconds=given.seconds), targets)
        for target, (code, said) in zip(targets, ended, strict=True):
            tried = [line.split()[-1] for line in said.splitlines() if "number_of_executed_units" in line]
            print(
                f"{target}: {' '.join(tried) or 'no'} inputs, {'ok' if code == 0 else 'BROKEN'}", flush=True
            )
            if code != 0:
                broken.append(target)
                print(said[-4000:], flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
