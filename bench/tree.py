"""Controls of files on a host with very many: outcome, seconds, and memory on the controller.

    python bench/tree.py [--files 1000000] [--select AISEC-ART-*,AISEC-SUP-01] [--timeout 30] [--write]

The host is one of the lab (root on Debian); the tree lies in a home directory, and every control that has
directories as a parameter is given it. Half of the files have names that some control looks for: weights,
programs, requirements. Each control runs in a process of its own, whose memory before it asks is taken off.
Targets: a verdict or `error: timeout` within its commands' timeouts, and 50 MB.
"""

import argparse
import fnmatch
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lab as labs
import page

from pytest_aisec.advisories import sources
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.control import Control
from pytest_aisec.catalog.load import load_catalog

TREE = "/home/ai_user/tree"
FAMILIES = {"ART", "DAT", "HST", "SEC", "SUP"}
DIRECTORIES = {
    "approved_roots",
    "config_dirs",
    "data_dirs",
    "env_roots",
    "model_dirs",
    "project_roots",
    "service_roots",
    "vault_dirs",
}
MOST_MB = 50.0
A_DIRECTORY = 1000
PLANT = """
mkdir -p {tree} && cd {tree}
i=0; while [ $i -lt {directories} ]; do mkdir d$i; (cd d$i
    seq -f 'part-%g.jsonl' 500; seq -f 'model-%g.safetensors' 200; seq -f 'model-%g.pt' 150
    seq -f 'code_%g.py' 100; seq -f 'requirements-%g.txt' 49; echo requirements.txt) | (cd d$i && xargs touch)
i=$((i+1)); done
chown -R ai_user:ai_team {tree}
"""
CHILD = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from pytest_aisec.judge import evaluate
from pytest_aisec.catalog import resolve
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.observe import waves
from pytest_aisec.observe.hosts import HostOptions, resolve
from pytest_aisec.observe.transcript import Transcript
from pytest_aisec.observe.transport.base import Limits

asked = json.loads(sys.argv[1])
catalog = load_catalog([content_root()])
circumstances = Evaluation(now=datetime.now(UTC), advisories=Path(asked["advisories"]))

def observe(name, params):
    limits = Limits(timeout=asked["timeout"])
    options = HostOptions(hosts=asked["host"], ssh_config=asked["ssh_config"], limits=limits)
    (target,) = resolve(options)
    transcript, planned = Transcript(), resolve.single(catalog[name], params)
    host = target.observed(transcript, limits)
    calls = {name: lambda host: evaluate.speculate(planned, host, circumstances)}
    work = waves.Work(name=target.name, open=lambda: host, close=lambda: None)
    waves.collect_host(work, calls, waves.Suggestions())
    conclusion = evaluate.judge(planned, host, circumstances)
    target.disconnect()
    return conclusion, len(transcript)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

observe("AISEC-HST-02", {})
before, started = peak(), time.perf_counter()
conclusion, questions = observe(asked["control"], asked["params"])
print(json.dumps({
    "outcome": conclusion.outcome.value, "reason": conclusion.reason,
    "seconds": time.perf_counter() - started, "grown": peak() - before, "questions": questions,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--select", default="*")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory, labs.hosts(1) as (lab, (host,)):
        directories = max(1, options.files // A_DIRECTORY)
        host.sh(PLANT.format(tree=TREE, directories=directories), timeout=900)
        index = index_of_nothing(Path(directory))
        rows = []
        for control in selected(options.select.split(",")):
            asked = {
                "control": control.id,
                "host": host.spec(),
                "ssh_config": str(lab.ssh_config),
                "params": {name: [TREE] for name in control.parameters if name in DIRECTORIES},
                "timeout": options.timeout,
                "advisories": str(index),
            }
            rows.append(row(control.id, measured(asked), options.timeout))
            print(" | ".join(rows[-1]), file=sys.stderr)
    head = ("control", "outcome", "seconds", "questions", "memory grown, MB")
    text = f"{directories * A_DIRECTORY} files.\n\n{page.table(head, rows)}"
    page.publish("tree", text, write=options.write)


def selected(patterns: list[str]) -> Iterator[Control]:
    for control in load_catalog([content_root()]).values():
        is_meant = any(fnmatch.fnmatch(control.id, pattern) for pattern in patterns)
        of_files = control.family in FAMILIES or DIRECTORIES.intersection(control.parameters)
        if is_meant and of_files and "linux" in control.platforms:
            yield control


def index_of_nothing(directory: Path) -> Path:
    modified = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    package = {"package": {"ecosystem": "PyPI", "name": "no-such-package"}, "versions": ["1.0"]}
    record = {"id": "PYSEC-2026-1", "modified": modified, "affected": [package]}
    records = directory / "records"
    records.mkdir()
    (records / "PYSEC-2026-1.json").write_text(json.dumps(record), encoding="utf-8")
    sources.update(str(records), directory / "index.sqlite", now=datetime.now(UTC))
    return directory / "index.sqlite"


def measured(asked: Mapping[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-c", CHILD, json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{asked['control']}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout))


def row(name: str, found: Mapping[str, Any], timeout: float) -> tuple[str, ...]:
    is_judged = found["outcome"] != "error" or found["reason"] not in {"internal", "parse"}
    outcome = found["outcome"].replace("_", " ")
    outcome += f": {found['reason']}" if found["outcome"] == "error" else ""
    in_time = found["seconds"] <= timeout * max(1, found["questions"]) + 10
    return (
        name,
        mark(outcome, holds=is_judged),
        mark(page.number(found["seconds"]), holds=in_time),
        str(found["questions"]),
        mark(page.number(found["grown"]), holds=found["grown"] <= MOST_MB),
    )


def mark(text: str, *, holds: bool) -> str:
    return text if holds else f"**{text}**"


if __name__ == "__main__":
    main()
