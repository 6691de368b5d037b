"""Audits of hardened lab hosts, as a user would run them."""

import json
import os
import sys
import time
from pathlib import Path

from tests.support import forks

LAB = Path(__file__).parents[1] / "lab"


def audit(directory, *arguments, **environ):
    """Run pytest as a user would, from an empty directory; return the process and its bundle's run."""
    evidence = directory / f"evidence-{time.monotonic_ns()}"
    done = forks.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--aisec-evidence={evidence}",
            *arguments,
        ],
        cwd=directory,
        env={**os.environ, "COLUMNS": "80", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    path = evidence / "run.json"
    return done, json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def outcomes(run, host):
    return {item["control"]: item["outcome"] for item in run["results"] if item["host"] == host}


PROFILE = LAB / "hardened.yaml"
DECLARED = [
    "--aisec-param=data_dirs=[/mnt/ai_training_data]",
    "--aisec-param=model_dirs=[/srv/models]",
    "--aisec-param=permit_root=prohibit-password",
]


def harden(host) -> None:
    """Bring a stock host to where the profile wants it."""
    host.sh((LAB / "hardened.sh").read_text(encoding="utf-8"))
