"""The index of advisories: time to make it, to open it and to judge a host with it, and memory.

    python bench/advisories.py [--records 15000] [--distributions 400] [--dump DIR|ZIP|URL] [--repeat 5]

Without --dump the records are made up: a third as many packages, ranges and long lists of versions
as the PyPA's have. The host is a transcript; nothing is connected to. Each repetition is a process of
its own.
Targets: opened under 0.2 s, judged under 2 s, under 300 MB.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TARGETS = {"open, s": 0.2, "judge, s": 2.0, "peak, MB": 300.0}

CHILD = """
import json, resource, sys, time
from datetime import datetime
from pathlib import Path

from pytest_aisec.judge import evaluate
from pytest_aisec.advisories.index import open_index
from pytest_aisec.catalog import resolve
from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.context import Evaluation
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.observe.backend import ObservingBackend
from pytest_aisec.observe.transcript import Observation, Transcript

path, listing, now = Path(sys.argv[1]), Path(sys.argv[2]).read_text(), datetime.fromisoformat(sys.argv[3])


class Host(Transcript):
    def get(self, command):
        if command == "uname -s":
            text = "Linux"
        elif command.startswith("if test -e /var/lib/dpkg/status"):
            text = "status 1"
        else:
            text = listing
        return Observation(
            command=command, exit_status=0, stdout=text.encode(), stderr=b"", started_at="", duration_ms=0
        )


planned = resolve.single(load_catalog([content_root()])["AISEC-SUP-01"], {"db_max_age_days": 36500})
backend = ObservingBackend("host", None, Host())
host = evaluate.Host(backend)
backend.set_host(host)
before = time.perf_counter()
opened = open_index(path)
between = time.perf_counter()
found = evaluate.judge(planned, host, Evaluation(now=now, advisories=path))
after = time.perf_counter()
assert found.outcome.value == "failed", found
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps({"open, s": between - before, "judge, s": after - between, "peak, MB": peak}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=15000)
    parser.add_argument("--distributions", type=int, default=400)
    parser.add_argument("--dump", help="real records instead of made up ones")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aisec-b-") as directory:
        here = Path(directory)
        source = arguments.dump or str(make_up(here / "all.zip", arguments.records))
        index = here / "index.sqlite"
        started = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "pytest_aisec.cli",
            "advisories",
            "update",
            "--from",
            source,
            "--to",
            index,
        ]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        print(f"made in {time.perf_counter() - started:.1f} s, {index.stat().st_size / 1e6:.1f} MB")
        (here / "listing").write_text(listing(index, arguments.distributions))
        measured = []
        for _ in range(arguments.repeat):
            child = [sys.executable, "-c", CHILD, str(index), str(here / "listing"), NOW.isoformat()]
            done = subprocess.run(child, check=True, capture_output=True, text=True)
            measured.append(json.loads(done.stdout))
    for name, target in TARGETS.items():
        values = sorted(one[name] for one in measured)
        worst = "" if values[-1] <= target else "  MISSED"
        median = statistics.median(values)
        print(f"{name:<10} median {median:.3f}  worst {values[-1]:.3f}  target {target}{worst}")


def make_up(path: Path, count: int) -> Path:
    chance = random.Random(7)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            first, last = sorted(chance.sample(range(200), 2))
            versions = [
                f"{minor // 10}.{minor % 10}.{patch}" for minor in range(first, last) for patch in range(2)
            ]
            record = {
                "id": f"PYSEC-2026-{number}",
                "modified": "2026-10-30T12:00:00Z",
                "aliases": [f"CVE-2026-{number}"],
                "details": "text " * 200,
                "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
                "affected": [
                    {
                        "package": {"name": f"package-{chance.randrange(count // 3)}", "ecosystem": "PyPI"},
                        "ranges": [
                            {
                                "type": "ECOSYSTEM",
                                "events": [{"introduced": versions[0]}, {"fixed": f"{last}.0"}],
                            }
                        ],
                        "versions": versions,
                    }
                ],
            }
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    return path


def listing(index: Path, count: int) -> str:
    """Return what a host with as many distributions prints, all of them packages with advisories."""
    import sqlite3  # noqa: PLC0415 - only here

    with sqlite3.connect(index) as connection:
        names = [
            name for (name,) in connection.execute("SELECT DISTINCT package FROM advisory LIMIT ?", (count,))
        ]
    connection.close()
    where = "/opt/app/lib/python3.11/site-packages"
    records = [
        f"d {where}/{name.replace('-', '_')}-1.{number % 10}.{number % 3}.dist-info"
        for number, name in enumerate(names)
    ]
    return "".join(f"{record}\n\0" for record in [*records, "status 0"])


if __name__ == "__main__":
    main()
