"""The HTML report of many hosts: its size, how long it takes to make, and until a browser has loaded it.

The controls are our own; their answers are made up. Two runs: a usual one, in which 9 of 10 results pass and
each failing host answers differently, and the worst, in which every result fails with an answer of its own.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import page
import runs
from playwright.sync_api import sync_playwright

from pytest_aisec.catalog.content import content_roots
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.catalog.resolve import single
from pytest_aisec.judge.fold import describe
from pytest_aisec.judge.gate import decide
from pytest_aisec.judge.outcome import Outcome
from pytest_aisec.judge.run import ControlInfo, Result, Run
from pytest_aisec.observe.transcript import Observation
from pytest_aisec.report import html, pdf

SIZE, LOAD = 15, 2
"""The targets: MB, seconds."""


def controls(number: int) -> list[ControlInfo]:
    found = [*load_catalog(content_roots(())).values()][:number]
    remediation = "chmod o-w /srv/models, and see that what writes there sets its umask"
    params = {"paths": ["/srv/models", "/opt/models"]}
    return [replace(describe(single(item, {})), remediation=remediation, params=params) for item in found]


def make(known: list[ControlInfo], hosts: int, *, is_worst: bool) -> Run:
    names = [f"ssh://root@gpu-{number:03}.example.com" for number in range(hosts)]
    results, transcripts = [], {}
    for at, name in enumerate(names):
        lines = transcripts[name] = []
        for index, control in enumerate(known):
            draw = (at * 7 + index * 13) % 20
            outcome = "failed" if is_worst or draw == 0 else "not_applicable" if draw == 1 else "passed"
            seen = f"/srv/models/{name}/{control.id}.safetensors 0644 root root\n" * 3
            lines += [
                Observation(
                    command=command,
                    exit_status=0,
                    stdout=seen.encode(),
                    stderr=b"",
                    started_at="2026-03-01T09:30:01.250Z",
                    duration_ms=12,
                )
                for command in (
                    "stat -Lc '%n %a %U %G' /srv/models/*",
                    f"systemctl show {control.id.lower()}",
                )
            ]
            results.append(
                Result(
                    control=control.id,
                    host=name,
                    outcome=Outcome(outcome),
                    reason=""
                    if outcome != "not_applicable"
                    else "no model directory under the default paths",
                    severity=control.severity,
                    title=control.title,
                    expected="0640" if outcome == "failed" else None,
                    observed={"mode": "0644", "path": f"/srv/models/{name}"} if outcome == "failed" else None,
                    message="mode is 0644" if outcome == "failed" else "",
                    observations=(len(lines) - 1, len(lines)),
                )
            )
    return runs.made_up(known, results, transcripts, observations=2 * len(known))


def load(path: Path, repeat: int) -> list[float]:
    """Return the seconds from navigation to the end of the load event, each time."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=pdf.browser(), args=list(pdf.FLAGS))
        times = []
        for _ in range(repeat):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            tab.goto(path.as_uri())
            times.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
            tab.close()
        browser.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--controls", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    known, rows = controls(options.controls), []
    with tempfile.TemporaryDirectory() as directory:
        for name, is_worst in [("usual", False), ("worst", True)]:
            run = make(known, options.hosts, is_worst=is_worst)
            begun = time.perf_counter()
            text = html.render(run, decide(run))
            made = time.perf_counter() - begun
            path = Path(directory, f"{name}.html")
            path.write_text(text, encoding="utf-8")
            size, loaded = path.stat().st_size / 1e6, load(path, options.repeat)
            best, median = min(loaded), statistics.median(loaded)
            shape = f"{options.hosts} by {len(known)}, {name}"
            reached = [page.against(size, f"≤ {SIZE}"), page.against(best, f"≤ {LOAD}")]
            rows.append((shape, page.number(made), *reached, page.number(median)))
    asked = subprocess.run([pdf.browser(), "--version"], capture_output=True, text=True, check=True)
    table = page.table(["hosts by controls", "made, s", "size, MB", "loaded, s", "median, s"], rows)
    note = (
        f"{' '.join(asked.stdout.split()[:2])}; loaded: from navigation to the end of the load event, "
        f"the best of {options.repeat}, since other work on the machine only adds to it, and the median; "
        "in parentheses the target. "
        "Usual: 1 of 20 results fails, each with answers of its own. "
        "Worst: every result fails, each with answers of its own."
    )
    page.publish("html_scale", f"{table}\n\n{note}", write=options.write)


if __name__ == "__main__":
    sys.exit(main())
