"""Wrong changes to controls and facts, each on its own: the recorded scenarios find every one of them.

    python -m tests.mutants            all of them
    python -m tests.mutants --only 7   the seventh
    python -m tests.mutants --also-units
                                       and which of them the unit tests would have found

A mutant is a copy of this checkout with one wrong line. It is found when a recorded scenario of a control that
reads the changed module fails; recordings of the right code are judged by the wrong one.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from pytest_aisec.testing import fingerprints

ROOT = Path(__file__).parents[2]
_COPIED = ("pytest_aisec", "controls", "profiles", "tests", "conftest.py", "pyproject.toml")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One wrong change."""

    what: str
    path: str
    old: str
    """Stands in the file exactly once."""
    new: str


MUTANTS = (
    Mutant(
        what="a comparison turned round: more tries than allowed are fine",
        path="controls/hst/test_sshd.py",
        old="int(value) > max_auth_tries",
        new="int(value) < max_auth_tries",
    ),
    Mutant(
        what="an Unobservable swallowed: directories that cannot be entered are private",
        path="controls/art/test_model_directories.py",
        old="    raise_unless(open_to, faults)\n",
        new="",
    ),
    Mutant(
        what="owner or group is enough",
        path="controls/art/test_model_directories.py",
        old="if (entry.owner, entry.group) != (owner, group):",
        new="if entry.owner != owner and entry.group != group:",
    ),
    Mutant(
        what="refused permissions are left out of a listing",
        path="pytest_aisec/facts/system/listings.py",
        old='denied = [line for line in lines if line.endswith(": Permission denied")]',
        new="denied = list[str]()",
    ),
    Mutant(
        what="access control lists that nobody could show are none",
        path="pytest_aisec/facts/system/access_lists.py",
        old='    if way not in {"getfacl", "ls"}:\n        raise Unobservable("tool_missing", "neither getfacl nor GNU ls, '
        'which show access control lists")\n',
        new='    if way not in {"getfacl", "ls"}:\n        return ()\n',
    ),
    Mutant(
        what="a table of sockets without its heading is an empty table",
        path="pytest_aisec/facts/system/sockets.py",
        old='    if not lines or not lines[0].startswith("Netid"):\n        raise Unobservable("parse", "ss printed no table")\n',
        new="",
    ),
    Mutant(
        what="a listener is declared when any entry has its port or its process",
        path="controls/net/test_sockets.py",
        old='    return entry["process"] in socket.processes\n',
        new="    return True\n",
    ),
    Mutant(
        what="a chain that ends in a denial is enough, whatever comes before",
        path="controls/net/test_egress_filter.py",
        old='            wide.append(f"{chain.name} lets out {_text(flow)}")\n',
        new="            pass\n",
    ),
    Mutant(
        what="failed log-ins below the limit are too many, those above are fine",
        path="controls/log/test_ssh_logins.py",
        old="if count > max_per_source",
        new="if count < max_per_source",
    ),
    Mutant(
        what="a log that nobody writes is alive",
        path="controls/log/test_ssh_logins.py",
        old="    if not observed and not fresh:\n",
        new="    if not observed and not fresh and logins is None:\n",
    ),
    Mutant(
        what="what could not be seen of containers is passed over",
        path="controls/ctr/test_containers.py",
        old="        [\n            *found.faults,\n            *seen.faults,\n            *(one.others for",
        new="        [\n            *(one.others for",
    ),
    Mutant(
        what="not applicable without having looked",
        path="controls/ctr/test_containers.py",
        old="    found = containers(host)\n    wrong = {\n        item.label: what\n        for item in found.running\n"
        "        if not _is_excused(item, allow_containers) and (what := list(_writable(item, writable_allow)))\n",
        new="    not_applicable(_NOTHING_RUNS)\n    found = containers(host)\n    wrong = {\n        item.label: what\n"
        "        for item in found.running\n"
        "        if not _is_excused(item, allow_containers) and (what := list(_writable(item, writable_allow)))\n",
    ),
    Mutant(
        what="an exit status ignored: a configuration of sshd that cannot be read is empty",
        path="pytest_aisec/facts/system/sshd.py",
        old='    result = host.run("cat -- %s", path)\n    if result.rc != 0:\n',
        new='    result = host.run("cat -- %s", path)\n    if result.rc > 1:\n',
    ),
    Mutant(
        what="a certificate that is good for long ends too soon, and the other way round",
        path="pytest_aisec/facts/web/tls.py",
        old="elif left < min_days:",
        new="elif left > min_days:",
    ),
    Mutant(
        what="a notebook server needs neither token nor password",
        path="controls/api/test_jupyter.py",
        old="    if server.is_open:\n",
        new="    if server.is_open is None:\n",
    ),
    Mutant(
        what="a retention that is too short is long enough",
        path="controls/cld/test_log_groups.py",
        old="if days < min_days or",
        new="if days > min_days or",
    ),
    Mutant(
        what="buckets owned in the wrong way are right",
        path="controls/cld/test_buckets.py",
        old='if bucket.ownership != "BucketOwnerEnforced":',
        new="if bucket.ownership is None:",
    ),
    Mutant(
        what="only successes need to be audited",
        path="controls/win/test_logs.py",
        old='        "failure audited": policy.failure,\n',
        new="",
    ),
    Mutant(
        what="any pickle is allowed when one digest is",
        path="controls/art/test_pickles.py",
        old="        elif digest is None or digest not in allow_sha256:\n            pickled[file.path] = what\n    raise_unless(pickled, faults)\n",
        new="        elif digest is None:\n            pickled[file.path] = what\n    raise_unless(pickled, faults)\n",
    ),
    Mutant(
        what="one pinned package of a file pins all",
        path="controls/sup/test_pinned_packages.py",
        old="if not named.is_exact and named.name not in pinned_elsewhere:",
        new="if not named.is_exact and not pinned_elsewhere and names_any:",
    ),
    Mutant(
        what="a list of no interfaces is whole",
        path="pytest_aisec/facts/network/interfaces.py",
        old='    if "lo" not in found:\n        raise Unobservable("parse", "ip shows no interface lo")\n',
        new="",
    ),
    Mutant(
        what="an answer of an API that says nothing about access means that access is refused",
        path="pytest_aisec/facts/web/http.py",
        old="    if status >= 300 and status not in {400, 411, 413, 415, 422}:\n",
        new="    if status >= 500:\n",
    ),
)


@contextmanager
def copied() -> Iterator[Path]:
    """Yield a copy of the checkout that may be broken."""
    with tempfile.TemporaryDirectory(prefix="aisec-mutants-") as directory:
        for name in _COPIED:
            source, target = ROOT / name, Path(directory, name)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        yield Path(directory)


@contextmanager
def broken(copy: Path, mutant: Mutant) -> Iterator[None]:
    """Make the wrong change for the body."""
    path = copy / mutant.path
    right = path.read_text(encoding="utf-8")
    if right.count(mutant.old) != 1:
        raise SystemExit(
            f"{mutant.path}: {mutant.old!r} stands there {right.count(mutant.old)} times, not once"
        )
    path.write_text(right.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(right, encoding="utf-8")


def readers(path: str) -> list[str]:
    """Return the controls, by id, whose verdicts a module has a part in."""
    module = (ROOT / path).resolve()
    found = load_catalog([content_root()]).items()
    return [key for key, control in found if module in fingerprints.modules(control)]


def fails(copy: Path, arguments: Iterable[str]) -> str:
    """Run tests in the copy and return the first that fails; empty when none does."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "2", *arguments]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if done.returncode not in {1, 2} or not failed:  # 2: stopped at the first
        raise SystemExit(f"the tests did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failed[0].split(" - ")[0].split("::")[-1]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=int, nargs="+", choices=range(1, len(MUTANTS) + 1), metavar="NUMBER")
    parser.add_argument("--also-units", action="store_true")
    options = parser.parse_args()
    missed = 0
    with copied() as copy:
        for number, mutant in enumerate(MUTANTS, start=1):
            if options.only and number not in options.only:
                continue
            started = time.monotonic()
            with broken(copy, mutant):
                only = " or ".join(readers(mutant.path))
                found = fails(copy, ["tests/recorded", "--stale-recordings=judge", "-k", only])
                units = ""
                if options.also_units:
                    units = "; units: " + (
                        fails(copy, ["tests/unit/facts", "tests/unit/test_container_controls.py"]) or "-"
                    )
            missed += not found
            print(
                f"{number:2} {'found' if found else 'NOT FOUND'} {time.monotonic() - started:4.0f} s  {mutant.path}: {mutant.what}"
            )
            print(f"      scenarios: {found or '-'}{units}", flush=True)
    print(f"{len(options.only or MUTANTS)} mutants, {missed} not found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
