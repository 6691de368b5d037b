"""`aisec waive` and `aisec waivers`, as people type them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.cli.authoring.waive import Wanted, add
from pytest_aisec.errors import UsageProblem
from pytest_aisec.judge.waivers import waiver
from pytest_aisec.judge.waivers.host_patterns import overlap
from pytest_aisec.judge.waivers.statement import matches

TODAY = date(2026, 11, 15)
ID = "ACME-TST-01"
KNOWN = [ID, "ACME-TST-02"]
GOOD = """\
- id: W-2026-001
  control: ACME-TST-01
  hosts: ["gpu-*"]
  reason: The vendor image writes there.
  approved_by: ciso@example.com
  approved_on: 2026-10-01
  expires: 2026-12-31
"""
NEW = """\
- id: W-2026-002
  control: ACME-TST-02
  hosts: ["gpu-1"]
  reason: Replaced in release 24.2.
  approved_by: ciso@example.com
  approved_on: 2026-11-15
  expires: 2026-12-31
"""


def wanted(**changes: Any) -> Wanted:
    return Wanted(
        **{
            "control": "ACME-TST-02",
            "hosts": ["gpu-1"],
            "reason": "Replaced in release 24.2.",
            "approved_by": "ciso@example.com",
            "approved_on": "2026-11-15",
            "expires": "2026-12-31",
            **changes,
        }
    )


def appended(path: Path, **changes: Any) -> Any:
    return add(wanted(**changes), path, known=KNOWN, today=TODAY)


def refusal(path: Path, **changes: Any) -> list[str]:
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(UsageProblem) as caught:
        appended(path, **changes)
    assert before == (path.read_bytes() if path.is_file() else None)
    assert [] == [*path.parent.glob(".*.new")]
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (GOOD, GOOD + NEW),
        (GOOD.removesuffix("\n"), GOOD + NEW),
        (f"# ours\n\n{GOOD}\n# the end\n\n", f"# ours\n\n{GOOD}\n# the end\n\n{NEW}"),
        (f"---\n{GOOD}...\n# after\n", f"---\n{GOOD}{NEW}...\n# after\n"),
        (GOOD.replace("\n", "\r\n"), (GOOD + NEW).replace("\n", "\r\n")),
        (GOOD.replace("\n", "\r\n").removesuffix("\r\n"), (GOOD + NEW).replace("\n", "\r\n")),
        (f"\ufeff{GOOD}", f"\ufeff{GOOD}{NEW}"),
        (
            "".join(f"   {line}\n" for line in GOOD.splitlines()),
            "".join(f"   {line}\n" for line in (GOOD + NEW).splitlines()),
        ),
        (f"{GOOD}  ticket: |+\n    SEC-1\n\n\n", f"{GOOD}  ticket: |+\n    SEC-1\n\n\n{NEW}"),
        ("", NEW.replace("002", "001")),
        ("# none yet\n", "# none yet\n" + NEW.replace("002", "001")),
        ("# none yet", "# none yet\n" + NEW.replace("002", "001")),
        ("[]\n", NEW.replace("002", "001")),
        ("# ours\n[]  # none yet\n", "# ours\n  # none yet\n" + NEW.replace("002", "001")),
    ],
)
def test_what_the_file_holds_stays_to_the_byte(tmp_path: Path, before: str, expected: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_bytes(before.encode())
    added = appended(path)
    assert expected == path.read_bytes().decode()
    shown = path.read_text(encoding="utf-8-sig").splitlines()[int(added.place.rsplit(":", 2)[1]) - 1]
    assert f"- id: {added.waiver.id}" == shown.strip()


def test_a_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    added = appended(path)
    assert (f"{path}:1:3", NEW.replace("002", "001")) == (added.place, path.read_text())
    assert [path] == [*tmp_path.iterdir()]


@given(
    reason=st.text(min_size=1, max_size=100).filter(str.strip),
    by=st.sampled_from(
        ["ciso@example.com", "yes", "2026-12-31", "- a", "a: b", "# x", "'", '"', "\\", "é\u2028ü"]
    ),
    ticket=st.sampled_from(["", "1182", "null", "0x10", "SEC-1: {a}", "@x", "~"]),
    hosts=st.lists(
        st.sampled_from(["gpu-*", "ssh://root@[fe80::1]:22", "*", "[!a]?", '"', "a\\b"]), min_size=1
    ),
)
def test_every_text_arrives_as_it_was_typed(
    tmp_path_factory: pytest.TempPathFactory, reason: str, by: str, ticket: str, hosts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("w") / "waivers.yaml"
    path.write_text(GOOD)
    appended(path, reason=reason, approved_by=by, ticket=ticket, hosts=hosts)
    first, second = waiver.load([path], KNOWN).items
    assert path.read_text(encoding="utf-8").startswith(GOOD)
    assert ("W-2026-001", reason.strip(), by, ticket, hosts) == (
        first.id,
        second.reason.strip(),
        second.approved_by,
        second.ticket,
        second.hosts,
    )


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([], "W-2026-001"),
        (["W-2026-007", "W-2026-003"], "W-2026-008"),
        (["W-2025-007", "X-1"], "W-2026-001"),
        (["W-2026-999"], "W-2026-1000"),
    ],
)
def test_the_id_is_the_next_number_of_the_year(tmp_path: Path, ids: list[str], expected: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text("".join(GOOD.replace("W-2026-001", name) for name in ids))
    assert expected == appended(path).waiver.id


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"control": "ACME-TST-03"},
            "unknown control 'ACME-TST-03'. Did you mean ACME-TST-02 or ACME-TST-01?",
        ),
        ({"control": "AISEC-*"}, "unknown control 'AISEC-*'. Known: ACME-TST-01, ACME-TST-02."),
        (
            {"expires": "2026-11-14", "approved_on": "2026-11-01"},
            "--expires 2026-11-14: is over; today is 2026-11-15, UTC",
        ),
        ({"expires": "tomorrow"}, "--expires tomorrow: must be a day such as 2026-12-31"),
        ({"expires": "2026-1-1"}, "--expires 2026-1-1: must be a day such as 2026-12-31"),
        ({"approved_on": "2027-01-01"}, "--expires 2026-12-31: must not be before --approved-on, 2027-01-01"),
        ({"approved_on": ""}, "--approved-on : must be a day such as 2026-12-31"),
        ({"reason": " \n"}, "--reason: must not be empty"),
        ({"approved_by": ""}, "--approved-by: must not be empty"),
        ({"hosts": ["gpu-1", ""]}, "--host: must not be empty"),
        ({"hosts": ["gpu-1,gpu-2"]}, "--host gpu-1,gpu-2: takes one name or wildcard; repeat it for more"),
        ({"id": ""}, "--id: must not be empty"),
        ({"reason": "caf\udce9"}, "--reason: is not UTF-8 text"),
    ],
)
def test_what_is_no_waiver_is_refused(tmp_path: Path, changes: Any, expected: str) -> None:
    assert [expected] == refusal(tmp_path / "waivers.yaml", **changes)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = refusal(tmp_path / "waivers.yaml", control="ACME", reason="", approved_by=" ", expires="never")
    assert ["unknown control 'ACME'.", "--reason:", "--approved-by:", "--expires never:"] == [
        line[: line.index(mark) + len(mark)] for line, mark in zip(found, [".", ":", ":", ":"], strict=True)
    ]


def test_what_is_wrong_with_the_file_is_told_with_what_is_wrong_with_the_waiver(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD.replace("TST-01", "TST-09"))
    assert ["--reason: must not be empty", f"{path}:2:3: unknown control 'ACME-TST-09'"] == [
        line.partition(". ")[0] for line in refusal(path, reason="")
    ]


def test_what_a_killed_process_has_left_is_in_nobody_s_way(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD)
    (tmp_path / ".waivers.yaml.new").symlink_to("/dev/full")
    appended(path)
    assert (GOOD + NEW, [path]) == (path.read_text(), [*tmp_path.iterdir()])


def test_a_taken_id_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(f"# ours\n{GOOD}")
    assert [f"--id W-2026-001: is taken, by {path}:2:3"] == refusal(path, id="W-2026-001")


def test_a_file_with_mistakes_is_refused_with_all_of_them_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD.replace("reason", "raeson").replace("2026-12-31", "soon"))
    assert {f"{path}:7:3", f"{path}:1:3", f"{path}:4:3"} == {
        line.partition(": ")[0] for line in refusal(path)
    }


@pytest.mark.parametrize(
    "text",
    [
        f"[{json.dumps({'id': 'W', 'control': ID, 'hosts': ['*'], 'reason': 'r', 'approved_by': 'c', 'approved_on': '2026-01-01', 'expires': '2026-12-31'})}]\n",
        f"{GOOD}  ticket: |\n    SEC-1",
    ],
)
def test_where_no_text_can_be_appended_the_entry_is_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    first, *entry = refusal(path, id="W-2026-002")
    assert f"{path}: nothing can be appended to what it holds; write it yourself:" == first
    assert NEW.splitlines() == entry


def test_a_directory_and_a_missing_directory_are_refused(tmp_path: Path) -> None:
    assert [f"--file {tmp_path}: is a directory; name one of its files"] == refusal(tmp_path)
    path = tmp_path / "absent" / "waivers.yaml"
    assert [f"--file {path}: there is no directory {path.parent}"] == refusal(path)


def test_mode_and_link_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "ours.yaml", tmp_path / "waivers.yaml"
    path.write_text(GOOD)
    path.chmod(0o640)
    link.symlink_to(path.name)
    assert f"{link}:8:3" == appended(link).place
    assert (True, 0o640, GOOD + NEW) == (link.is_symlink(), path.stat().st_mode & 0o777, path.read_text())


def test_those_who_add_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    threads = [threading.Thread(target=appended, args=(path,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [f"W-2026-{number:03}" for number in range(1, 9)] == [
        item.id for item in waiver.load([path], KNOWN).items
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"control": ID}, ["W-2026-001"]),
        ({"control": ID, "hosts": ["cpu-1", "ssh://root@gpu-*:22"]}, ["W-2026-001"]),
        ({"control": ID, "hosts": ["cpu-*"]}, []),
        ({}, []),
        ({"control": ID, "approved_on": "2027-01-01", "expires": "2027-02-01"}, []),
    ],
)
def test_a_waiver_that_excuses_some_of_the_same_is_named(
    tmp_path: Path, changes: Any, expected: list[str]
) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD)
    assert expected == [other.id for other, _ in appended(path, **changes).overlaps]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("gpu-1", "gpu-1", True),
        ("gpu-1", "gpu-2", False),
        ("gpu-*", "*-1", True),
        ("gpu-?", "gpu-10", False),
        ("gpu-[12]", "gpu-[23]", True),
        ("gpu-[!1]", "gpu-1", False),
        ("*", "", True),
        ("a*b*c", "*d*", True),
        ("a*b", "a*c", False),
        ("gpu-1", "ssh://root@gpu-1:22", True),
        ("gpu-1", "ssh://*", True),
        ("gpu-1", "ssh://cpu-*", False),
        ("ssh://a@gpu-1", "ssh://b@gpu-1", False),
        ("ssh*", "gpu-1", True),
        ("gpu-*", "cpu-1", False),
        ("?", "??*", True),
    ],
)
def test_two_patterns_overlap_where_a_host_can_have_both_names(
    one: str, other: str, *, expected: bool
) -> None:
    assert (expected, expected) == (overlap(one, other), overlap(other, one))


PATTERN = st.text("ab*?@:", max_size=6)


@given(
    one=PATTERN,
    other=PATTERN,
    name=st.text("ab", min_size=1, max_size=6),
    user=st.sampled_from(["", "a@"]),
    port=st.sampled_from(["", ":22"]),
)
def test_no_host_is_named_by_two_patterns_that_do_not_overlap(
    one: str, other: str, name: str, user: str, port: str
) -> None:
    host = f"ssh://{user}{name}{port}"
    assert overlap(one, other) or not (matches(one, host) and matches(other, host))


def test_waive_adds_and_says_where(typed: Any, content: Any, tmp_path: Path) -> None:
    content.control(ID)
    path = tmp_path / "waivers.yaml"
    arguments = ["waive", ID, "--host", "gpu-*", "--reason", "No way.", "--approved-by", "ciso@example.com"]
    arguments += ["--expires", "2999-12-31", "--file", path, "--path", content.path]
    done = typed(*arguments, "--ticket", "SEC-1", "--id", "W-1")
    today = datetime.now(UTC).date()
    assert (0, f"{path}:1:3: W-1 excuses {ID} on gpu-* until 2999-12-31\n", "") == (
        done.returncode,
        done.stdout,
        done.stderr,
    )
    assert f"""\
- id: W-1
  control: {ID}
  hosts: ["gpu-*"]
  reason: No way.
  approved_by: ciso@example.com
  approved_on: {today}
  expires: 2999-12-31
  ticket: SEC-1
""" == path.read_text()
    done = typed(*arguments, "--host", "*")
    assert (0, f"note: so does W-1 ({path}:1:3) on gpu-* until 2999-12-31; a run names") == (
        done.returncode,
        done.stderr[: done.stderr.index(" the one")],
    )


def test_waive_without_a_host_or_of_an_unknown_control_ends_with_4(typed: Any, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    rest = ["--reason", "r", "--approved-by", "c", "--expires", "2999-12-31", "--file", path]
    for arguments, expected in [
        (["AISEC-CTR-03"], "Missing option '--host'"),
        (["AISEC-CTR-3", "--host", "*"], "ERROR: unknown control 'AISEC-CTR-3'. Did you mean AISEC-CTR-"),
        (["AISEC-CTR-03", "--host", "*", "--outcome", "error"], "No such option"),
    ]:
        done = typed("waive", *arguments, *rest)
        assert (4, "", True) == (done.returncode, done.stdout, expected in done.stderr), done.stderr
    assert not path.exists()


LIFE = {
    "W-1": {"expires": "2026-12-31"},
    "W-2": {"expires": "2026-12-15"},
    "W-3": {"expires": "2026-11-14"},
    "W-4": {"approved_on": "2026-11-16", "expires": "2026-12-01"},
    "W-5": {"control": "ACME-TST-07", "expires": "2026-11-01"},
    "W-6": {"expires": "2026-11-15"},
}


@pytest.fixture
def life(content: Any, tmp_path: Path) -> list[object]:
    content.control(ID)
    text = ""
    for name, changes in LIFE.items():
        fields = {
            "id": name,
            "control": ID,
            "hosts": ["gpu-*", "ssh://root@a-very-long-name-of-a-host.region-1.example.com:2222"],
            "reason": "The vendor image writes to /var/run, and is replaced in release 24.2 of the stack.",
            "approved_by": "ciso@example.com",
            "approved_on": "2026-10-01",
            "ticket": "SEC-1182",
            **changes,
        }
        text += f"- {json.dumps(fields)}\n"
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    return ["waivers", path, "--path", content.path, "--on", "2026-11-15"]


def test_waivers_are_listed_by_state_what_needs_somebody_first(typed: Any, life: list[object]) -> None:
    done = typed(*life)
    lines = done.stdout.splitlines()
    assert (0, "") == (done.returncode, done.stderr)
    assert [
        "unknown control",
        "  W-5  ACME-TST-07  until 2026-11-01, 14 days ago",
        "expired",
        "  W-3  ACME-TST-01  until 2026-11-14, 1 day ago",
        "expiring",
        "  W-6  ACME-TST-01  until 2026-11-15, its last day",
        "  W-2  ACME-TST-01  until 2026-12-15, 30 days left",
        "not yet approved",
        "  W-4  ACME-TST-01  from 2026-11-16 until 2026-12-01",
        "active",
        "  W-1  ACME-TST-01  until 2026-12-31, 46 days left",
        "6 waivers on 2026-11-15, UTC: 1 unknown control, 1 expired, 2 expiring, 1 not",
        "  yet approved, 1 active",
    ] == [line for line in lines if line and not line.startswith("    ")]
    assert [True] == ["Did you mean ACME-TST-01" in line for line in lines if "Did you mean" in line]
    assert max(len(line) for line in lines if "/" not in line) <= 80


def test_waivers_as_json_are_a_list(typed: Any, life: list[object]) -> None:
    found = json.loads(typed(*life, "--json").stdout)
    assert [
        ("W-5", "unknown_control", -14, 5),
        ("W-3", "expired", -1, 3),
        ("W-6", "expiring", 0, 6),
        ("W-2", "expiring", 30, 2),
        ("W-4", "not_yet_approved", 16, 4),
        ("W-1", "active", 46, 1),
    ] == [(item["id"], item["state"], item["days_left"], item["line"]) for item in found]
    assert str(life[1]) == found[0]["file"]
    assert "2026-10-01" == found[0]["approved_on"]


@pytest.mark.parametrize(
    ("kept", "code"), [(["W-1", "W-2", "W-4", "W-6"], 0), (["W-1", "W-3"], 1), (["W-5"], 1), ([], 0)]
)
def test_check_ends_with_1_where_one_is_over_or_for_an_unknown_control(
    typed: Any, life: list[Any], kept: list[str], code: int
) -> None:
    path: Path = life[1]
    lines = [line for line in path.read_text().splitlines() if any(f'"{name}"' in line for name in kept)]
    path.write_text("".join(f"{line}\n" for line in lines))
    assert (code, 0) == (typed(*life, "--check").returncode, typed(*life).returncode)
    assert code == typed(*life, "--check", "--json").returncode


def test_a_day_counts_to_its_end(typed: Any, life: list[object]) -> None:
    def states(day: str) -> dict[str, str]:
        found = json.loads(typed(*life[:-1], day, "--json").stdout)
        return {item["id"]: item["state"] for item in found}

    assert ("expiring", "expired") == (states("2026-12-31")["W-1"], states("2027-01-01")["W-1"])
    assert "active" == states("2026-11-16")["W-1"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("waivers.yaml", "- {id: W-1}\n- []\n", [":1:3: '0.control' is missing", ":2:3: 1: "]),
        ("waivers.yaml", "- id: [\n", [":2:1: not valid YAML: "]),
        ("absent.yaml", "", [": cannot be read: No such file or directory"]),
    ],
)
def test_a_file_that_cannot_be_read_is_a_usage_error(
    typed: Any, tmp_path: Path, name: str, text: str, expected: list[str]
) -> None:
    (tmp_path / "waivers.yaml").write_text(text)
    done = typed("waivers", tmp_path / name)
    assert (4, "") == (done.returncode, done.stdout)
    assert [] == [part for part in expected if f"{tmp_path / name}{part}" not in done.stderr]


def test_a_directory_without_files_is_named_as_it_was_given(typed: Any, tmp_path: Path) -> None:
    done = typed("waivers", tmp_path)
    assert f"ERROR: FILE {tmp_path}: the directory holds no .yaml or .yml file\n" == done.stderr


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_states_are_coloured_on_a_terminal_alone_and_not_with_no_color(
    life: list[object], environment: dict[str, str], *, coloured: bool
) -> None:
    controller, terminal = os.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    argv = [sys.executable, "-m", "pytest_aisec.cli", *map(str, life)]
    subprocess.run(argv, stdout=terminal, check=True, env={**inherited, "TERM": "xterm", **environment})
    os.close(terminal)
    printed = os.read(controller, 65536).decode()
    os.close(controller)
    assert coloured == ("\x1b[" in printed)
    assert "unknown control" in printed


def test_what_expires_in_thirty_days_is_expiring_today(typed: Any, content: Any, tmp_path: Path) -> None:
    content.control(ID)
    path = tmp_path / "waivers.yaml"
    end = datetime.now(UTC).date() + timedelta(days=20)
    path.write_text(GOOD.replace("2026-12-31", str(end)).replace("2026-10-01", "2020-01-01"))
    (found,) = json.loads(typed("waivers", path, "--path", content.path, "--json").stdout)
    assert "expiring" == found["state"]
