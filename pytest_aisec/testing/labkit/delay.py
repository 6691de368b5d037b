"""Hold every Ethernet frame between two network namespaces for half a round-trip time.

Run as a process of its own: ``main(NAMESPACE_A, DEVICE_A, NAMESPACE_B, DEVICE_B, SECONDS)``. It makes one TAP
device in each namespace, prints ``ready``, and passes frames until it is killed; the devices go with it.
It exists because many kernels have no ``netem``; times measured through it are "userspace TAP delay".
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from . import kernel

_TUNSETIFF = 0x400454CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_FRAME = 65536  # bytes, more than any frame
_BURST = 64  # frames from one side before the other side gets a look


def _tap(namespace: Path, device: str) -> int:
    """Make a TAP device in a network namespace; returns a non-blocking file descriptor."""
    with kernel.inside_network(namespace):
        tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TAP | _IFF_NO_PI))
    return tap


def _frames(tap: int) -> list[bytes]:
    frames: list[bytes] = []
    with suppress(OSError):  # nothing more to read, or the device is still down
        while len(frames) < _BURST:
            frames.append(os.read(tap, _FRAME))
    return frames


def forward(first: int, second: int, hold: float) -> None:
    """Pass frames both ways, each ``hold`` seconds after it came; never returns."""
    other = {first: second, second: first}
    held: deque[tuple[float, int, bytes]] = deque()  # in the order of their times, as all wait equally long
    while True:
        pause = max(0.0, held[0][0] - time.monotonic()) if held else None
        ready, _, _ = select.select([first, second], [], [], pause)  # epoll would round to milliseconds
        for tap in ready:
            due = time.monotonic() + hold
            held.extend((due, other[tap], frame) for frame in _frames(tap))
        while held and held[0][0] <= time.monotonic():
            _, tap, frame = held.popleft()
            with suppress(OSError):  # a full queue loses frames, as a wire does
                os.write(tap, frame)


def main(*arguments: str) -> None:
    """Do what the module says."""
    first = _tap(Path(arguments[0]), arguments[1])
    second = _tap(Path(arguments[2]), arguments[3])
    print("ready", flush=True)  # noqa: T201 - who started this waits for it
    forward(first, second, float(arguments[4]) / 2)
