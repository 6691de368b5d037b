"""Whole audits of lab hosts: ours, plain pytest-testinfra, and the floor.

    python bench/audit.py [--profile training-node,dev-workstation,inference-server] [--hosts 1,10,30]
                          [--rtt 0,20] [--repeat 5] [--budget 60] [--without VARIANT] [--write]

Needs root on Debian, for the lab. Every repetition runs all variants, each time in another order, and ratios
are taken within a repetition. A variant that would take more than --budget seconds on a line is repeated less
often. Every variant has to come to the same verdicts (the floor: to the same exit statuses), or there is no
result. The first profile is measured with each number of hosts, the others with the first number only.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import floor
import lab
import measure
import ours
import page
import plain

PROFILES = ["training-node", "dev-workstation", "inference-server"]
VARIANTS = ("ours, cold", "ours, learned", "plain", "plain, -n 8", "floor", "ours, start-up")
COLD, LEARNED, PLAIN, PLAIN_8, FLOOR, START_UP = VARIANTS
RATIOS = {
    "plain ÷ cold": (PLAIN, COLD),
    "plain ÷ learned": (PLAIN, LEARNED),
    "-n 8 ÷ cold": (PLAIN_8, COLD),
    "-n 8 ÷ learned": (PLAIN_8, LEARNED),
    "cold ÷ floor": (COLD, FLOOR),
    "learned ÷ floor": (LEARNED, FLOOR),
}
TARGETS = {
    (1, 20): {"plain ÷ cold": "≥ 4", "plain ÷ learned": "≥ 4", "learned ÷ floor": "≤ 1.1"},
    (1, 0): {"learned ÷ floor": "≤ 1.1"},
    (30, 20): {
        **dict.fromkeys(("plain ÷ cold", "plain ÷ learned"), "≥ 12"),
        **dict.fromkeys(("-n 8 ÷ cold", "-n 8 ÷ learned"), "≥ 3"),
        **dict.fromkeys(("cold ÷ floor", "learned ÷ floor"), "≤ 1.1"),
    },
    (30, 0): dict.fromkeys(("cold ÷ floor", "learned ÷ floor"), "≤ 1.1"),
}
"""(hosts, round-trip time in ms) → ratio → what it must reach."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The result for one profile, number of hosts and round-trip time."""

    profile: str
    hosts: int
    rtt_ms: int
    commands: float
    """Mean number a host."""
    verdicts: int
    series: measure.Series


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", type=names, default=PROFILES)
    parser.add_argument("--hosts", type=numbers, default=[1, 10, 30])
    parser.add_argument("--rtt", type=numbers, default=[0, 20], help="milliseconds")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--budget", type=float, default=60, help="seconds for each variant of a line")
    parser.add_argument("--without", action="append", choices=VARIANTS, default=[], help="repeatable")
    parser.add_argument("--write", action="store_true", help="also into docs/performance.md")
    arguments = parser.parse_args()
    lines = []
    for rtt_ms in arguments.rtt:
        with lab.hosts(max(arguments.hosts), rtt_ms) as (network, running):
            first, *others = arguments.profile
            places = [(first, count) for count in arguments.hosts]
            places += [(profile, arguments.hosts[0]) for profile in others]
            for profile, count in places:
                addresses = lab.specs(running[:count])
                line = compare(profile, count, rtt_ms, addresses, network.ssh_config, arguments)
                print(summary(line), flush=True)
                lines.append(line)
    page.publish("audit", render(lines), write=arguments.write)


def names(text: str) -> list[str]:
    return text.split(",")


def numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


def compare(
    profile: str, count: int, rtt_ms: int, hosts: str, ssh_config: Path, arguments: argparse.Namespace
) -> Line:
    """Measure all variants on the same hosts."""
    options = [hosts, f"--ssh-config={ssh_config}"]
    reference = ours.audit(profile, options, cache="none")
    if len(reference.outcomes) == 0 or not all(reference.asked.values()):
        raise SystemExit(f"nothing was asked:\n{reference.measured.output[-3000:]}")

    def agreed(name: str, measured: measure.Measured, outcomes: Mapping[tuple[str, str], str]) -> float:
        if outcomes != reference.outcomes:
            wrong = sorted(set(outcomes.items()) ^ set(reference.outcomes.items()))
            raise SystemExit(f"{name} does not agree with the first run: {wrong}\n{measured.output[-3000:]}")
        return measured.seconds

    def with_cache(name: str, cache: str) -> float:
        done = ours.audit(profile, options, cache=cache)
        return agreed(name, done.measured, done.outcomes)

    def cold() -> float:
        with tempfile.TemporaryDirectory(prefix="aisec-b-") as empty:
            return with_cache(COLD, empty)

    def with_testinfra(name: str, processes: int) -> float:
        return agreed(name, *plain.audit(profile, [hosts], ssh_config, processes=processes))

    with tempfile.TemporaryDirectory(prefix="aisec-b-") as cache:
        with_cache(LEARNED, cache)
        variants = {
            COLD: cold,
            LEARNED: partial(with_cache, LEARNED, cache),
            PLAIN: partial(with_testinfra, PLAIN, 0),
            PLAIN_8: partial(with_testinfra, PLAIN_8, 8),
            FLOOR: partial(floor.audit, reference.asked, ssh_config),
            START_UP: partial(ours.start_up, profile, options),
        }
        kept = {name: variant for name, variant in variants.items() if name not in arguments.without}
        series = measure.interleave(kept, repeat=arguments.repeat, budget=arguments.budget)
    return Line(
        profile=profile,
        hosts=count,
        rtt_ms=rtt_ms,
        commands=sum(map(len, reference.asked.values())) / len(reference.asked),
        verdicts=len(reference.outcomes),
        series=series,
    )


def summary(line: Line) -> str:
    spread = "; ".join(
        f"{name}: {' '.join(map(page.number, values))}" for name, values in line.series.values.items()
    )
    return (
        f"{line.profile}, {line.hosts} hosts, {line.rtt_ms} ms, {line.commands:.0f} commands a host: {spread}"
    )


def render(lines: Sequence[Line]) -> str:
    place = ["profile", "hosts", "RTT, ms"]
    times = page.table(
        [*place, "verdicts", "commands a host", *(f"{name}, s" for name in VARIANTS)],
        [
            [
                *_place(line),
                str(line.verdicts),
                f"{line.commands:.0f}",
                *(_time(line, name) for name in VARIANTS),
            ]
            for line in lines
        ],
    )
    ratios = page.table(
        [*place, *RATIOS],
        [[*_place(line), *(_ratio(line, name) for name in RATIOS)] for line in lines],
    )
    return (
        f"{times}\n\nMedians; in parentheses, of how many runs. "
        "Round-trip times above 0 are a userspace TAP delay. "
        f"Start-up: the same command with `--collect-only`, which contacts no host.\n\n{ratios}\n\n"
        "Medians of the ratios within each repetition; in parentheses the target, bold what misses it."
    )


def _place(line: Line) -> list[str]:
    return [line.profile, str(line.hosts), str(line.rtt_ms)]


def _time(line: Line, name: str) -> str:
    return f"{page.number(line.series.median(name))} ({line.series.count(name)})"


def _ratio(line: Line, name: str) -> str:
    value = line.series.ratio(*RATIOS[name])
    target = TARGETS.get((line.hosts, line.rtt_ms), {}).get(name)
    return page.against(value, target) if target else page.number(value)


if __name__ == "__main__":
    main()
