"""Programs that run on a host: the kernel tells of each file that is opened to be executed."""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PLACES = ("usr/bin", "usr/sbin")
"""What the system has; what lies elsewhere is what is judged."""
_CLOEXEC, _NONBLOCK, _UNLIMITED_QUEUE = 0x1, 0x2, 0x10
_MARK_ADD, _MARK_FILESYSTEM, _OPEN_EXEC = 0x1, 0x100, 0x1000
_EVENT = struct.Struct("IBBHQii")  # length, version, reserved, metadata length, mask, file, process
_LINKS = 20  # that lead from one to another, at most

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fanotify_mark.argtypes = [
    ctypes.c_int,
    ctypes.c_uint,
    ctypes.c_uint64,
    ctypes.c_int,
    ctypes.c_char_p,
]


@contextmanager
def watched(root: Path) -> Iterator[Callable[[], list[Path]]]:
    """Follow what is executed from the file system that ``root`` is mounted from, in whichever namespace.

    The value returns the programs that ran so far, under each name by which a search path finds them, as
    paths below ``root``. Raises OSError where the kernel has no fanotify.
    """
    queue = _check(_libc.fanotify_init(_CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE, os.O_RDONLY | os.O_CLOEXEC))
    seen: set[tuple[int, int]] = set()

    def programs() -> list[Path]:
        _drain(queue, seen)
        return [path for path in _on_search_path(root) if _identity(path, root) in seen]

    try:
        _check(_libc.fanotify_mark(queue, _MARK_ADD | _MARK_FILESYSTEM, _OPEN_EXEC, -100, bytes(root)))
        yield programs
    finally:
        os.close(queue)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "fanotify")
    return result


def _drain(queue: int, seen: set[tuple[int, int]]) -> None:
    while True:
        try:
            data = os.read(queue, 65536)
        except BlockingIOError:
            return
        while data:
            length, *_, file, _ = _EVENT.unpack_from(data)
            status = os.fstat(file)
            os.close(file)
            seen.add((status.st_dev, status.st_ino))
            data = data[length:]


def _on_search_path(root: Path) -> list[Path]:
    return [path for place in _PLACES for path in sorted((root / place).glob("*"))]


def _identity(path: Path, root: Path) -> tuple[int, int] | None:
    """Return which file a name leads to, with links followed as the host does."""
    for _ in range(_LINKS):
        if not path.is_symlink():
            break
        target = path.readlink()
        path = root / target.relative_to("/") if target.is_absolute() else path.parent / target
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
