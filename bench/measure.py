"""Run commands as a user does, and measure them from start to end."""

import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 5.0  # seconds that a process gets to end by itself after an interrupt
SAMPLE = 0.05  # seconds between two looks at a process tree


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of one command."""

    seconds: float
    exit_code: int
    output: str
    peak_rss: int
    """Bytes: the sum of the peaks of the process and, where asked for, of those that it started."""


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    timeout: float = 1200,
    ends_with: Sequence[int] = (0,),
    tree: bool = False,
) -> Measured:
    """Run a command that reads nothing; end it and all that it started when anything interrupts this.

    Raises:
        SystemExit: with the command's output, when it ends with another code than one of `ends_with`.

    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=quiet_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watchdog = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            with _peaks(process.pid) if tree else contextlib.nullcontext({}) as peaks:
                _, status, usage = os.wait4(process.pid, 0)
                seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            watchdog.cancel()
            stop(process)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode not in ends_with:
        raise SystemExit(f"{' '.join(command)[:500]}\nended with {process.returncode}:\n{text[-5000:]}")
    return Measured(
        seconds=seconds,
        exit_code=process.returncode,
        output=text,
        peak_rss=sum(peaks.values()) if tree else usage.ru_maxrss * 1024,
    )


def quiet_environment() -> Mapping[str, str]:
    """Return this environment without what would change how pytest behaves."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "PYTHONDONTWRITEBYTECODE"))
    }


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session of its own, and its group; harmless when it has ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, signal.SIGINT)
            process.wait(PATIENCE)
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def _peaks(root: int):
    """Give the peaks of resident memory of a process and all below it, by process id, filled meanwhile."""
    found: dict[int, int] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(SAMPLE):
            for pid in [root, *_descendants(root)]:
                with contextlib.suppress(OSError, StopIteration):
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                    peak = next(line for line in lines if line.startswith("VmHWM:"))
                    found[pid] = int(peak.split()[1]) * 1024

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*children, *(below for child in children for below in _descendants(child))]


@dataclass(frozen=True, kw_only=True)
class Series:
    """What the repetitions of several variants gave; a variant may have been left out of later ones."""

    values: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Return the median of a variant, NaN when it was never run."""
        return statistics.median(self.values[name]) if self.values.get(name) else float("nan")

    def ratio(self, above: str, below: str) -> float:
        """Return the median of the ratios within each repetition that has both variants."""
        pairs = list(zip(self.values.get(above, ()), self.values.get(below, ()), strict=False))
        return statistics.median(a / b for a, b in pairs) if pairs else float("nan")

    def count(self, name: str) -> int:
        """Return how often a variant was run."""
        return len(self.values.get(name, ()))


def interleave(variants: Mapping[str, Callable[[], float]], *, repeat: int, budget: float) -> Series:
    """Run every variant once a repetition, each time in another order.

    The first repetition has all of them. From then on a variant is left out once it would take more than
    `budget` seconds in all.
    """
    values: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(repeat):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            spent = values[name]
            if not spent or sum(spent) + statistics.mean(spent) <= budget:
                spent.append(variants[name]())
    return Series(values=values)
