"""Named bags of kernel objects that vanish with the process that made them.

A scope owns a directory below ``/run/aisec-lab``, network namespaces, mounts, cgroups and the processes
in them. All of them carry the name of the scope, and that name says which process made it. So there is one
way to take a scope down, :func:`teardown`, which needs nothing but the name. It is called

* by :meth:`Scope.close` (a ``with`` block, also when it is left by an exception or by Ctrl-C; atexit),
* by a guard: a small process per scope that waits for its maker to end, however it ends (SIGTERM, SIGKILL),
* by :func:`sweep`, when a new scope starts and finds leftovers of a maker that is dead (the guard died too).

Everything here works inside one mount and one pid namespace.

One module, however long: whatever a scope makes, `teardown` takes down.
"""

from __future__ import annotations

import atexit
import fcntl
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import kernel
from .closing import Closing
from .errors import LabError, LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RUN = Path("/run/aisec-lab")
NETWORKS = Path("/run/netns")
_LOCK = Path("/run/aisec-lab.lock")
_NAME = re.compile(r"aisec-(?P<pid>\d+)-(?P<start>\d+)-\d+")
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_BEFORE = RUN / "inotify-before"
_INOTIFY_WANTED = 4096

_PATIENCE = 20.0  # seconds for the kernel to end what was killed
_POLL = 0.002  # seconds between two looks at a condition that the kernel cannot notify

_counter = itertools.count(1)

# Joins the cgroups given as $2..$n+1 ($1 says how many) and becomes the command that follows them.
_JOIN = (
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done;'
    ' exec "$@"'
)


class Scope(Closing):
    """A named bag of kernel objects; ``name`` is unique on the machine, ``path`` is a directory on tmpfs.

    A scope has parts, which come and go with :meth:`part` and :meth:`drop`.
    Raises LabError when the kernel refuses something.
    """

    def __init__(self) -> None:
        sweep()
        self._pid = os.getpid()
        self.name = f"aisec-{self._pid}-{kernel.started_at(self._pid)}-{next(_counter)}"
        self.path = RUN / self.name
        self._processes: dict[str, list[subprocess.Popen[bytes]]] = {}
        self._lock = threading.Lock()
        self._closed = False
        with _machine_lock():
            self.path.mkdir(parents=True, mode=0o755)
        atexit.register(self.close)
        self._guard = subprocess.Popen(
            alone("scope", "guard", self.name),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def part(self, part: str) -> Path:
        """Make a part: a tmpfs of its own, returned, and a cgroup of its own for :meth:`start`."""
        path = self.path / part
        try:
            path.mkdir(mode=0o755)
            kernel.mount(self.name, path, "tmpfs", "mode=755")
            for directory in self.cgroups(part):
                directory.mkdir(parents=True)
        except OSError as error:
            raise LabError(f"cannot make part {part} of {self.name}: {error}") from error
        with self._lock:
            self._processes[part] = []
        return path

    def cgroups(self, part: str) -> list[Path]:
        """The cgroups that the processes of a part are in, one in each hierarchy that systemd uses."""
        hierarchies = kernel.systemd_hierarchies()
        if not hierarchies:
            raise LabUnavailableError("no cgroup hierarchy is mounted that systemd could use")
        return [hierarchy / self.name / part for hierarchy in hierarchies]

    def drop(self, part: str) -> None:
        """End everything in a part and forget it; raises LabError with what would not go."""
        left = teardown(self.name, part)
        with self._lock:
            processes = self._processes.pop(part, [])
        _reap(processes)
        if left:
            raise LabError(f"part {part} of {self.name} would not go: {', '.join(left)}")

    def network(self, part: str) -> Path:
        """Make a network namespace that goes with the part, loopback up; returns its path."""
        name = f"{self.name}-{part}"
        ip(f"netns add {name}")
        ip("link set lo up", inside=name)
        return NETWORKS / name

    def overlay(self, part: str, *lower: Path) -> tuple[Path, Path]:
        """Mount an overlay in a part over read-only directories, topmost first; returns (merged, upper)."""
        home = self.path / part
        merged, upper, work = home / "root", home / "upper", home / "work"
        for directory in (merged, upper, work):
            directory.mkdir()
            directory.chmod(0o755)  # whatever the umask: the root directory of the overlay takes it from here
        options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
        try:
            kernel.mount(self.name, merged, "overlay", options)
        except OSError as error:
            raise LabError(f"cannot mount an overlay over {lower}: {error}") from error
        return merged, upper

    def start(
        self, part: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a process in the cgroup of a part, with its output in ``log`` and nothing to read."""
        groups = [str(directory) for directory in self.cgroups(part)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _JOIN, "sh", str(len(groups)), *groups, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        with self._lock:
            self._processes[part].append(process)
        return process

    def close(self) -> None:
        """End everything that the scope owns; again is harmless. Raises LabError with what would not go."""
        if self._closed or os.getpid() != self._pid:  # a forked child owns nothing
            return
        self._closed = True
        atexit.unregister(self.close)
        left = teardown(self.name)
        with self._lock:
            processes = [process for part in self._processes.values() for process in part]
            self._processes.clear()
        _reap(processes)
        with suppress(OSError, subprocess.TimeoutExpired):  # a guard that was killed has no open ears
            self._guard.communicate(b"done", timeout=_PATIENCE)
        if left:
            raise LabError(f"{self.name} would not go: {', '.join(left)}")


def alone(module: str, function: str, *arguments: str) -> list[str]:
    """Return a command that calls a function of a module of labkit, with nothing else imported."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        f"from labkit.{module} import {function}; {function}(*sys.argv[2:])"
    )
    return [sys.executable, "-I", "-S", "-c", code, str(Path(__file__).parent.parent), *arguments]


def ip(*lines: str, inside: str | None = None) -> None:
    """Run lines of the command ip as one batch, ``inside`` a network namespace by name; raises LabError."""
    where = ["-n", inside] if inside else []
    text = "\n".join(lines)
    done = subprocess.run(
        ["ip", *where, "-batch", "-"], input=text, capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode:
        raise LabError(f"ip refused ({inside or 'here'}): {done.stderr.strip()}\n{text}")


def raise_inotify_limit() -> None:
    """Let many systemds run side by side: each takes several of 128 inotify instances.

    The last scope on the machine to go puts the old value back.
    """
    with _machine_lock():
        before = int(_INOTIFY.read_text())
        if before < _INOTIFY_WANTED:
            _INOTIFY_BEFORE.write_text(str(before))
            _INOTIFY.write_text(str(_INOTIFY_WANTED))


def sweep() -> None:
    """Take down every scope whose maker is dead; raises LabError with what would not go."""
    left: list[str] = []
    for name in _scopes():
        if not _alive(name):
            left += teardown(name)
    if left:
        raise LabError(f"leftovers of an earlier run would not go: {', '.join(left)}")


def leftovers(name: str) -> list[str]:
    """Everything on the machine that belongs to a scope, for a test that says: nothing."""
    return [
        *(f"mount {point}" for point in kernel.mount_points(RUN / name)),
        *(f"directory {path}" for path in [RUN / name] if path.exists()),
        *(f"network {path}" for path in _networks(name)),
        *(f"cgroup {path}" for path in _cgroups(name) if path.exists()),
        *(f"process {pid}" for path in _cgroups(name) for pid in _members(path)),
    ]


def teardown(name: str, part: str | None = None) -> list[str]:
    """Take down a scope, or one part of it, by name alone; returns what would not go.

    Safe to call again, and while somebody else is doing the same.
    """
    deadline = time.monotonic() + _PATIENCE
    for directory in _cgroups(name, part):
        _thaw(directory)
    for directory in _cgroups(name, part):
        _kill(directory, deadline)
    for directory in _cgroups(name, part):
        _remove_cgroup(directory, deadline)
    networks = _networks(name) if part is None else [NETWORKS / f"{name}-{part}"]
    for network in networks:
        with suppress(OSError):
            kernel.detach(network)
        with suppress(OSError):
            network.unlink()
    path = RUN / name / (part or "")
    for point in kernel.mount_points(path):
        with suppress(OSError):
            kernel.detach(point)
    for directory in [*path.glob("*"), path] if part is None else [path]:
        with suppress(OSError):
            directory.rmdir()
    if part is not None:
        return [str(path)] if path.exists() else []
    _restore_inotify_limit()
    return leftovers(name)


def _thaw(directory: Path) -> None:
    """Let paused containers go on: what is frozen does not even die."""
    for path, _, files in os.walk(directory, topdown=False):
        for name, word in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            if name in files:
                with suppress(OSError):
                    Path(path, name).write_text(word)


def _kill(directory: Path, deadline: float) -> None:
    switch = directory / "cgroup.kill"
    while (members := _members(directory)) and time.monotonic() < deadline:
        if switch.exists():
            with suppress(OSError):
                switch.write_text("1")
        else:
            for pid in members:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)


def _remove_cgroup(directory: Path, deadline: float) -> None:
    while directory.exists():
        for path, _, _ in os.walk(directory, topdown=False):
            with suppress(OSError):
                Path(path).rmdir()
        if time.monotonic() > deadline:
            return
        if directory.exists():
            time.sleep(_POLL)


def _members(directory: Path) -> list[int]:
    found: list[int] = []
    for path, _, _ in os.walk(directory):
        with suppress(OSError):
            found += [int(pid) for pid in (Path(path) / "cgroup.procs").read_text().split()]
    return [pid for pid in found if pid]  # 0 is a process that this pid namespace cannot see


def _reap(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)


def _cgroups(name: str, part: str | None = None) -> list[Path]:
    """Places of a scope's cgroups: an engine makes some in hierarchies where the scope has none."""
    return [hierarchy / name / (part or "") for hierarchy in kernel.cgroup_hierarchies()]


def _networks(name: str) -> list[Path]:
    return list(NETWORKS.glob(f"{name}-*"))


def _scopes() -> set[str]:
    places = [RUN, NETWORKS, *kernel.cgroup_hierarchies()]
    found = (_NAME.match(path.name) for place in places if place.is_dir() for path in place.iterdir())
    return {match.group() for match in found if match}


def _alive(name: str) -> bool:
    match = _NAME.fullmatch(name)
    return match is not None and kernel.started_at(int(match["pid"])) == int(match["start"])


def _restore_inotify_limit() -> None:
    with _machine_lock():
        if not any(RUN.glob("aisec-*")):
            with suppress(FileNotFoundError):
                _INOTIFY.write_text(_INOTIFY_BEFORE.read_text())
                _INOTIFY_BEFORE.unlink()
            with suppress(OSError):
                RUN.rmdir()


@contextmanager
def _machine_lock() -> Iterator[None]:
    """Held for a moment by one process at a time while it looks at, or changes, what all scopes share."""
    deadline = time.monotonic() + _PATIENCE
    with _LOCK.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(f"{_LOCK} is held for more than {_PATIENCE:.0f} s") from None
                time.sleep(_POLL)
        yield


def guard(name: str) -> None:
    """Wait for the maker to close its end of the pipe; tear down what it did not take down itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read() != b"done":
        teardown(name)
