"""All reports of a fleet: how long they take, how much memory, and how large they are.

    python bench/reports.py [--hosts 200,1000] [--controls 60] [--repeat 3] [--write]

The run is made up: 80 % of the results passed, 10 % failed, 4 % failed and were waived, 3 % could not be
observed and 3 % did not apply; three commands a control, whose answers differ from host to host. Transcripts
are made when they are asked for, as they are read in an audit. What is measured is writing the reports, in a
process of its own.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import measure
import page
import runs

from pytest_aisec.evidence.claim import Claim
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, Result, Run, WaiverInfo, WaiverState
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report import formats

SECONDS, MEGABYTES = "≤ 10", "≤ 500"
ASKED_FOR = 200
"""Hosts for which the targets hold."""
COMMANDS = 3
"""A control."""
SEVERITIES = ("critical", "high", "medium", "low")
OUTCOMES = (
    *(Outcome.PASSED,) * 80,
    *(Outcome.FAILED,) * 14,  # four of them waived
    *(Outcome.ERROR,) * 3,
    *(Outcome.NOT_APPLICABLE,) * 3,
)


class Transcripts(Mapping[str, Sequence[Observation]]):
    """The transcripts of all hosts, of which only the last is kept."""

    def __init__(self, hosts: Sequence[str], controls: int) -> None:
        self._hosts, self._controls = hosts, controls

    def __getitem__(self, host: str) -> list[Observation]:
        return [
            Observation(
                command=f"stat -c '%a %U %G %n' /srv/models/{number}",
                exit_status=0,
                stdout=f"750 ai_user ai_team /srv/models/{number} on {host}\n".encode() * 5,
                stderr=b"",
                started_at="2026-03-01T09:30:01.250Z",
                duration_ms=4,
            )
            for number in range(self._controls * COMMANDS)
        ]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


def made_up(hosts: int, controls: int) -> Run:
    described = [
        ControlInfo(
            id=f"AISEC-ART-{number:02}",
            title=f"Model directory {number} is private to the serving account",
            rationale="Whoever can read it can copy the weights; whoever can write it can backdoor them.",
            severity=SEVERITIES[number % 4],
            family="ART",
            frameworks={
                "nist_800_53": ["AC-3", "AC-6", "SI-7(1)"],
                "owasp_llm": ["LLM02:2025"],
                "atlas_techniques": ["AML.T0035"],
            },
            remediation="chown -R ai_user:ai_team /srv/models && chmod -R 0750 /srv/models",
            params={"model_dirs": ["/srv/models"], "dir_mode_max": "0750"},
            declared=["model_dirs"],
            platforms=["linux"],
        )
        for number in range(1, controls + 1)
    ]
    names = [f"ssh://root@gpu-{number:04}.example.com" for number in range(hosts)]
    results = [
        result(control, name, (host * 31 + number * 7) % 100, number)
        for host, name in enumerate(names)
        for number, control in enumerate(described)
    ]
    waivers = [
        WaiverInfo(
            id=f"W-{control.id}",
            control=control.id,
            hosts=["*"],
            reason="The vendor image writes there; replaced in the next release.",
            approved_by="ciso@example.com",
            approved_on="2026-01-15",
            expires="2026-12-31",
            state="active",
            excuses=1,
            passes=0,
        )
        for control in described
    ]
    return runs.made_up(
        described,
        results,
        Transcripts(names, controls),
        observations=controls * COMMANDS,
        waivers=waivers,
    )


def result(control: ControlInfo, host: str, draw: int, number: int) -> Result:
    outcome = OUTCOMES[draw]
    failed = outcome is Outcome.FAILED
    said = {Outcome.ERROR: ("privilege", "sudo refused"), Outcome.NOT_APPLICABLE: ("no model directory", "")}
    reason, message = said.get(outcome, ("", f"mode is 0777 on {host}" if failed else ""))
    return Result(
        control=control.id,
        host=host,
        outcome=outcome,
        reason=reason,
        severity=control.severity,
        title=control.title,
        expected={} if failed else None,
        observed={f"/srv/models/{number}": {"mode": "0777", "owner": "root"}} if failed else None,
        message=message,
        waiver=WaiverState(id=f"W-{control.id}", state="active") if 90 <= draw < 94 else None,
        observations=tuple(range(number * COMMANDS + 1, (number + 1) * COMMANDS + 1)),
        duration_ms=12,
    )


def one(hosts: int, controls: int, directory: Path) -> None:
    """Write all reports of one run, and print what it took as JSON."""
    run = made_up(hosts, controls)
    verdict = decide(run)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    claim = Claim(directory)
    formats.write(run, verdict, claim)
    claim.finish()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "cpu": cpu, "before": before / 1024, "peak": peak / 1024}))


def sizes(directory: Path) -> dict[str, float]:
    """Return the size of each report in MB, those of single hosts added up."""
    return {
        item.path: sum(path.stat().st_size for path in directory.glob(item.path.replace("{host}", "*"))) / 1e6
        for item in formats.REPORTS
    }


def line(hosts: int, controls: int, repeat: int) -> list[str]:
    taken, found = [], {}
    for _ in range(repeat):
        with tempfile.TemporaryDirectory(prefix="aisec-b-") as place:
            command = [sys.executable, __file__, "--one", f"{place}/out"]
            options = ["--hosts", str(hosts), "--controls", str(controls)]
            output = measure.run([*command, *options], cwd=Path(place)).output
            taken.append(json.loads(output.splitlines()[-1]))
            found = sizes(Path(place) / "out")
    seconds = min(item["seconds"] for item in taken)
    peak = statistics.median(item["peak"] for item in taken)
    cpu = min(item["cpu"] for item in taken)
    is_bound = hosts <= ASKED_FOR
    return [
        f"{hosts} x {controls}",
        page.against(seconds, SECONDS) if is_bound else page.number(seconds),
        page.number(cpu),
        page.against(peak, MEGABYTES) if is_bound else page.number(peak),
        page.number(statistics.median(item["before"] for item in taken)),
        *(page.number(found[item.path]) for item in formats.REPORTS),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=lambda text: [*map(int, text.split(","))], default=[200, 1000])
    parser.add_argument("--controls", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="also into docs/performance.md")
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.hosts[0], arguments.controls, arguments.one)
        return
    rows = [line(hosts, arguments.controls, arguments.repeat) for hosts in arguments.hosts]
    head = ["hosts x controls", "all reports, s", "CPU, s", "peak, MB", "before, MB"]
    head += [f"{item.path}, MB" for item in formats.REPORTS]
    note = (
        f"Times are the best of {arguments.repeat}, since other work on the machine only adds to them, "
        "memory is the median; after a figure its target, bold what misses it. The peak is that of the whole "
        "process; before: with the run in memory, and no report begun."
    )
    page.publish("reports", f"{page.table(head, rows)}\n\n{note}", write=arguments.write)


if __name__ == "__main__":
    main()
