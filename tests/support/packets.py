"""What leaves a host under a rule set: packets that are really sent, in a network namespace of their own.

`unshare -n python packets.py` reads, as JSON, commands to ask and texts for `sh` that load one rule set each;
it prints, for each text, what the commands answered and which packets left; `null` where it does not load.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys

ELSEWHERE = {"ip": "8.8.4.4", "ip6": "2a00::1"}
"""Family → an address that no rule set of the tests lets packets go to."""
PORTS = (8080, 9999)
_ETH_P_ALL = 3
_NOBODY = 65534
_SET_UP = """
ip link set lo up
ip link add out type veth peer name far && ip link set out arp off up && ip link set far up
ip addr add 192.0.2.2/24 dev out && ip -6 addr add 2001:db8::2/64 dev out nodad
ip route add default dev out && ip -6 route add default dev out
"""
_RESET = "nft flush ruleset"


def ways() -> list[tuple[str, str, int]]:
    """Return family, protocol and port of each packet that is sent."""
    return [(family, protocol, port) for family in ELSEWHERE for protocol in ("tcp", "udp") for port in PORTS]


def _send(family: str, protocol: str, port: int) -> None:
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET if family == "ip" else socket.AF_INET6, kind) as sender:
        sender.settimeout(0)
        with contextlib.suppress(OSError):
            sender.connect((ELSEWHERE[family], port))
            if protocol == "udp":
                sender.send(b"x")


def _left(seen: socket.socket) -> bool:
    """Tell whether a packet to one of the addresses is among those that left."""
    wanted = [
        (b"\x08\x00", 16, socket.inet_pton(socket.AF_INET, ELSEWHERE["ip"])),
        (b"\x86\xdd", 24, socket.inet_pton(socket.AF_INET6, ELSEWHERE["ip6"])),
    ]
    found = False
    with contextlib.suppress(BlockingIOError):
        while frame := seen.recv(2048):
            found = found or any(
                frame[12:14] == kind and frame[14 + at : 14 + at + len(to)] == to for kind, at, to in wanted
            )
    return found


def _answers(commands: list[str]) -> dict[str, tuple[int, str, str]]:
    found = {}
    for command in commands:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        found[command] = (done.returncode, done.stdout, done.stderr)
    return found


def _main() -> None:
    asked = json.load(sys.stdin)
    subprocess.run(["sh", "-ec", _SET_UP], check=True, capture_output=True)
    for load in asked["loads"]:
        done = subprocess.run(["sh", "-ec", f"{_RESET}\n{load}"], check=False, capture_output=True)
        if done.returncode != 0:
            print("null", flush=True)
            continue
        answers = _answers(asked["commands"])
        left = []
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)) as seen:
            seen.bind(("out", _ETH_P_ALL))
            seen.settimeout(0)
            os.seteuid(_NOBODY)  # sockets belong to whoever opens them
            for way in ways():
                _send(*way)
                if _left(seen):
                    left.append(way)
            os.seteuid(0)
        print(json.dumps({"answers": answers, "left": left}), flush=True)


if __name__ == "__main__":
    _main()
