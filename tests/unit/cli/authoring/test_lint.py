"""What `aisec lint` says, where, and with which exit code."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pytest_aisec.cli import main
from pytest_aisec.cli.authoring.lint import Linted, lint
from pytest_aisec.errors import UsageProblem

ROOT = Path(__file__).parents[4]
TODAY = date(2026, 11, 1)
IDS = ("ACME-ART-01", "ACME-ART-02", "ACME-NET-01")


@pytest.fixture
def pack(content: Any) -> Any:
    """A directory with three controls, all of them in a profile; the first two have a parameter."""
    content.control("ACME-ART-01", 'mode: Mode = "0700"')
    content.control("ACME-ART-02", 'mode: Mode = "0700"', severity="low")
    content.control("ACME-NET-01")
    content.profile("whole", "controls: {ACME-*: }\n")
    return content


def linted(pack: Any, *paths: Path, content: list[Path] | None = None) -> Linted:
    return lint(paths, content or [], today=TODAY, cwd=pack.path)


def said(pack: Any, *paths: Path) -> list[str]:
    """Return the findings, without the suggestions, which depend on all controls there are."""
    texts = (str(item) for item in linted(pack, *paths).findings)
    return [re.sub(r"\. (Did you mean|Known:) .*", ".", text) for text in texts]


WAIVER = """\
- id: W-1
  control: ACME-ART-01
  hosts: ["gpu-*"]
  reason: The vendor image writes there.
  approved_by: ciso@example.com
  approved_on: 2026-10-01
  expires: 2026-12-31
"""
ATTESTATION = """\
- id: A-1
  control: ACME-ART-01
  hosts: [gpu-1]
  statement: Looked at by hand.
  status: passed
  attested_by: lead@example.com
  attested_on: 2026-10-01
  valid_until: 2026-12-31
"""


def test_what_is_right_is_clean(pack: Any) -> None:
    (pack.path / "waivers.yaml").write_text(WAIVER)
    (pack.path / "attestations.yml").write_text(ATTESTATION)
    (pack.path / "gate.yaml").write_text("fail_on: high\nrequired: [ACME-ART-01]\n")
    (pack.path / "redact.yaml").write_text("- {kind: acme, pattern: 'acme_[a-z0-9]{20}'}\n")
    assert Linted(findings=(), files=8) == linted(pack)


HEAD = "id: mine\ntitle: Mine\nversion: 1.0.0\n"
PROFILES = {
    "unknown key": (
        "control: {}\n",
        ["4:1: error: unknown key 'control'."],
    ),
    "several mistakes at once": (
        "controls:\n  ACME-ART-10:\n  ACME-ART-01: {params: {mdoe: x}}\n  acme-*:\nexclude:\n  ACME-XY-01: No.\n",
        [
            "5:3: error: unknown control 'ACME-ART-10'.",
            "6:26: error: ACME-ART-01 has no parameter 'mdoe'.",
            "7:3: error: no control matches 'acme-*'.",
            "9:3: error: unknown control 'ACME-XY-01'.",
        ],
    ),
    "a wrong key does not hide a wrong control": (
        "contrlos: {}\nexclude: {ACME-ART-09: No.}\n",
        ["4:1: error: unknown key 'contrlos'.", "5:11: error: unknown control 'ACME-ART-09'."],
    ),
    "duplicate key": (
        "controls:\n  ACME-ART-01:\n  ACME-ART-01:\n",
        ["6:3: error: duplicate key 'ACME-ART-01', first on line 5"],
    ),
    "no YAML": (
        "controls: {\n",
        ["5:1: error: not valid YAML: expected the node content, but found '<stream end>'"],
    ),
    "a parameter that no selected control has": (
        "controls: {ACME-NET-01: }\nparams:\n  mode: '0700'\n",
        ["6:3: error: no selected control has the parameter 'mode'."],
    ),
    "two values of a wrong type": (
        "controls:\n  ACME-ART-01: {params: {mode: 0700}}\n  ACME-ART-02: {params: {mode: [a]}}\n",
        [
            (
                "5:26: error: parameter 'mode' of ACME-ART-01 is Mode: a mode is a quoted string of octal digits, and YAML "
                'reads unquoted digits as a number (0700 as 448): write "0700" (got 448)'
            ),
            "6:26: error: parameter 'mode' of ACME-ART-02 is Mode: Input should be a valid string (got ['a'])",
        ],
    ),
    "an unknown base does not hide the rest": (
        "extends: [whoel]\ncontrols: {ACME-ART-10: }\nparams: {mode: '0700'}\n",
        [
            "4:11: error: unknown profile 'whoel'.",
            "5:12: error: unknown control 'ACME-ART-10'.",
        ],
    ),
    "nothing selected": (
        "exclude: {ACME-*: Not here.}\n",
        ["1:1: error: profile 'mine' selects no control"],
    ),
    "a circle": (
        "extends: [whole, mine]\ncontrols: {ACME-*: }\n",
        ["4:18: error: profiles extend one another in a circle: mine.yaml → mine.yaml"],
    ),
    "an unknown framework id": (
        "controls: {ACME-*: }\nreferences: {nist_800_53: [AC-99]}\n",
        ["5:1: error: nist_800_53: unknown id 'AC-99'."],
    ),
    "a required control that is not planned": (
        "controls: {ACME-ART-*: }\ngate:\n  required: [ACME-NET-01, ACME-NET-10]\n",
        [
            (
                "6:14: error: required control ACME-NET-01 cannot pass, so every run would fail: profile 'mine' does not "
                "select it"
            ),
            "6:27: error: required: unknown control 'ACME-NET-10'.",
        ],
    ),
    "a gate that cannot fail": (
        "controls: {ACME-ART-02: }\ngate:\n  fail_on: high\n",
        [
            "6:3: warning: this gate can never fail for mine, which has no control of a severity that counts or is limited (planned: 1 low)"
        ],
    ),
    "a limit that enough hosts exceed": (
        "controls: {ACME-ART-02: }\ngate: {fail_on: high, max: {low: {failed: 9}}}\n",
        [],
    ),
    "a wildcard of which nothing counts": (
        "controls:\n  ACME-ART-*: {severity: high}\n  ACME-ART-01: {severity: low}\n  ACME-ART-02: {severity: low}\n",
        [
            (
                "5:3: warning: ACME-ART-*: nothing that it sets counts: ACME-ART-01 on line 6 and ACME-ART-02 on line 7 "
                "set it again"
            )
        ],
    ),
    "a wider one after a narrower one": (
        "controls:\n  ACME-ART-*: {params: {mode: '0700'}}\n  ACME-*: {params: {mode: '0750'}}\n",
        ["5:3: warning: ACME-ART-*: nothing that it sets counts: ACME-* on line 6 set it again"],
    ),
    "two that set the same": (
        "controls:\n  ACME-*-01: {severity: high}\n  ACME-ART-*: {severity: low}\n",
        [
            "6:3: warning: ACME-ART-* sets severity of ACME-ART-01 again, after ACME-*-01 on line 5; ACME-ART-* counts"
        ],
    ),
    "an exception from a wildcard is as it should be": (
        "controls:\n  ACME-*: {severity: high}\n  ACME-ART-*: {severity: low}\n  ACME-ART-01: {severity: medium}\n",
        [],
    ),
    "a parameter that each control sets itself": (
        "params:\n  mode: '0700'\ncontrols:\n  ACME-ART-01: {params: {mode: '0750'}}\n",
        ["5:3: warning: mode: the value counts for no control: ACME-ART-01 on line 7 set it again"],
    ),
    "a wildcard that is left out again": (
        "controls:\n  ACME-NET-01:\n  ACME-ART-0*:\nexclude:\n  ACME-ART-*: Not here.\n",
        ["6:3: warning: everything that ACME-ART-0* selects is left out again by ACME-ART-* below exclude"],
    ),
}


@pytest.mark.parametrize("name", PROFILES)
def test_a_finding_in_a_profile_has_its_place(pack: Any, name: str) -> None:
    text, expected = PROFILES[name]
    path = pack.path / "profiles/mine.yaml"
    path.write_text(HEAD + text)
    assert [f"profiles/mine.yaml:{item}" for item in expected] == said(pack)


OTHERS = {
    "a day that is none": (
        WAIVER.replace("ART-01", "ART-09") + WAIVER.replace("12-31", "13-31"),
        [
            "14:12: error: not valid YAML: month must be in 1..12",
        ],
    ),
    "all mistakes in waivers": (
        WAIVER.replace("ART-01", "ART-09") + WAIVER.replace("2026-12-31", "soon").replace("reason", "raeson"),
        [
            "2:3: error: unknown control 'ACME-ART-09'.",
            "8:3: error: '1.reason' is missing",
            "8:3: error: id 'W-1' is taken, by waivers.yaml:1:3",
            "11:3: error: unknown key '1.raeson'.",
            "14:3: error: 1.expires: must be a day such as 2026-12-31 (got 'soon')",
        ],
    ),
    "a waiver that is over": (
        WAIVER.replace("2026-12-31", "2026-10-31"),
        ["7:3: warning: waiver W-1 is over: 2026-10-31 was its last day"],
    ),
    "a waiver on its last day": (
        WAIVER.replace("2026-12-31", "2026-11-01"),
        ["7:3: warning: waiver W-1 ends today: 2026-11-01 is its last day"],
    ),
    "a waiver that ends in 30 days": (
        WAIVER.replace("2026-12-31", "2026-12-01"),
        ["7:3: warning: waiver W-1 ends in 30 days: 2026-12-01 is its last day"],
    ),
    "a waiver that ends in 31 days": (WAIVER.replace("2026-12-31", "2026-12-02"), []),
    "waivers that overlap": (
        WAIVER + WAIVER.replace("W-1", "W-2").replace("gpu-*", "ssh://root@gpu-1"),
        [
            (
                "10:3: warning: waiver W-2 is for hosts of W-1, at waivers.yaml:1:3, too; on them the one for fewer hosts "
                "counts"
            )
        ],
    ),
    "waivers for other hosts": (WAIVER + WAIVER.replace("W-1", "W-2").replace("gpu-*", "cpu-1"), []),
    "waivers for other controls": (WAIVER + WAIVER.replace("W-1", "W-2").replace("ART-01", "ART-02"), []),
    "a waiver that follows another": (
        WAIVER
        + WAIVER.replace("W-1", "W-2")
        .replace("10-01", "31-12")
        .replace("2026-31-12", "2027-01-01")
        .replace("2026-12-31", "2027-12-31"),
        [],
    ),
    "an attestation that is over": (
        ATTESTATION.replace("2026-12-31", "2026-10-31"),
        ["8:3: warning: attestation A-1 is over: 2026-10-31 was its last day"],
    ),
    "an attestation for an unknown control": (
        ATTESTATION.replace("ART-01", "ART-09"),
        ["2:3: error: unknown control 'ACME-ART-09'."],
    ),
    "a gate with a wrong key": (
        "fail_on: high\nmin_scroe: 0.5\n",
        ["2:1: error: unknown key 'min_scroe'."],
    ),
    "a gate that requires what there is not": (
        "required:\n  - ACME-ART-01\n  - ACME-ART-09\n",
        ["3:5: error: required: unknown control 'ACME-ART-09'."],
    ),
    "a pattern that is none": (
        "- kind: acme\n  pattern: 'acme_['\n",
        [
            "2:3: error: 0.pattern: it is no regular expression: unterminated character set at position 5 (got 'acme_[')"
        ],
    ),
    "a profile beside the directory of profiles": (
        HEAD + "controls: {ACME-ART-10: }\n",
        ["4:12: error: unknown control 'ACME-ART-10'."],
    ),
    "a profile whose id is misspelled": (
        "idd: mine\ntitle: Mine\nversion: 1.0.0\ncontrols: {ACME-*: }\n",
        ["1:1: error: 'id' is missing", "1:1: error: unknown key 'idd'."],
    ),
    "broken YAML that is ours": (
        WAIVER + "  ticket: [\n",
        ["9:1: error: not valid YAML: expected the node content, but found '<stream end>'"],
    ),
    "broken YAML of somebody else": ("jobs: {\n", []),
    "a file of somebody else": ("jobs: {build: {max: 3}}\n", []),
    "an empty file": ("# none yet\n", []),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_finding_in_another_file_has_its_place(pack: Any, name: str) -> None:
    text, expected = OTHERS[name]
    (pack.path / "waivers.yaml").write_text(text)
    assert [f"waivers.yaml:{item}" for item in expected] == said(pack)


CONTROLS = {
    "wrong metadata": (
        {"severity": "hihg"},
        "4:1: error: control ACME-NEW-01: unknown severity 'hihg'.",
    ),
    "a placeholder without a parameter": (
        {"remediation": "chmod {mdoe} x", "parameters": "mode: Mode = '0700'"},
        "4:1: error: control ACME-NEW-01: remediation names {mdoe}, which is no parameter.",
    ),
    "in no profile": ({}, "4:1: warning: control EX-NEW-01 is in no profile"),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_finding_in_a_control_has_its_place(pack: Any, name: str) -> None:
    changes, expected = CONTROLS[name]
    pack.control("ACME-NEW-01" if changes else "EX-NEW-01", **changes)
    file = f"controls/test_{'acme' if changes else 'ex'}_new_01.py"
    assert [f"{file}:{expected}"] == said(pack)


def test_one_bad_file_does_not_hide_the_others(pack: Any) -> None:
    pack.file("test_broken.py", '@control("ACME-NEW-01"\n')
    pack.control("ACME-NEW-02", severity="hihg")
    pack.profile("first", "controls: {ACME-NEW-01: , ACME-NWE-01: }\nparams: {mode: x}\n")
    pack.profile("second", "controls: [\n")
    (pack.path / "waivers.yaml").write_text(
        WAIVER.replace("ART-01", "NEW-01") + WAIVER.replace("ART-01", "NWE-02")
    )
    places = [text.split(": error: ")[0] for text in said(pack)]
    assert [
        "controls/test_acme_new_02.py:4:1",
        "controls/test_broken.py:1:1",
        "profiles/first.yaml:4:27",
        "profiles/second.yaml:5:1",
        "waivers.yaml:8:3",
        "waivers.yaml:9:3",
    ] == places


def test_a_control_that_is_left_out_with_a_reason_is_in_a_profile(pack: Any) -> None:
    pack.control("EX-NEW-01")
    pack.profile("other", "controls: {ACME-*: }\nexclude: {EX-NEW-01: Not here.}\n")
    assert [] == said(pack)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'profile = "whole"\nparams = {mod = 1}\n',
            "2:11: error: no selected control has the parameter 'mod'",
        ),
        ('[groups.a]\nhosts = ["x"]\nprofile = "whol"\n', "3:1: error: unknown profile 'whol'"),
        ('profile = "whole"\nwaivers = ["w.yml"]\n', "2:12: error: waivers: 'w.yml': there is no such file"),
        ('profil = "whole"\n', "1:1: error: unknown key 'profil'"),
        ("profile = \n", "1:11: error: not valid TOML"),
    ],
)
def test_a_finding_in_settings_has_its_place(pack: Any, text: str, expected: str) -> None:
    (pack.path / "aisec.toml").write_text(text)
    (line,) = [line for line in said(pack) if line.startswith("aisec.toml")]
    assert line.startswith(f"aisec.toml:{expected}")


def test_settings_that_fit_are_clean_and_their_content_is_known(pack: Any, tmp_path: Path) -> None:
    here = tmp_path / "audit"
    here.mkdir()
    (here / "aisec.toml").write_text(
        f'path = ["{pack.path}"]\n[groups.a]\nprofile = "whole"\nhosts = ["x"]\n'
    )
    (here / "waivers.yaml").write_text("")
    assert ((), 1) == (
        lint([], [], today=TODAY, cwd=here).findings,
        lint([], [], today=TODAY, cwd=here).files,
    )


def test_two_controls_of_one_id_are_an_error(pack: Any) -> None:
    pack.file("twice/test_again.py", (pack.root.controls / "test_acme_net_01.py").read_text())
    assert [
        "controls/twice/test_again.py:4:1: error: control ACME-NET-01 is already at controls/test_acme_net_01.py:4"
    ] == said(pack)


def test_files_alone_are_linted_with_the_content_beside_them(pack: Any) -> None:
    (pack.path / "broken.yaml").write_text(WAIVER.replace("expires", "expiers"))
    good = pack.path / "waivers.yaml"
    good.write_text(WAIVER)
    assert Linted(findings=(), files=1) == linted(pack, good)
    assert Linted(findings=(), files=2) == linted(
        pack, pack.path / "profiles/whole.yaml", pack.path / "controls/test_acme_art_01.py"
    )
    assert Linted(findings=(), files=1) == linted(pack, pack.path / "profiles")
    assert Linted(findings=(), files=3) == linted(pack, pack.path / "controls")


def test_content_from_elsewhere_is_known_where_it_is_named(pack: Any, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(WAIVER)
    (finding,) = linted(pack, path).findings
    assert finding.message.startswith("unknown control 'ACME-ART-01'")
    assert () == linted(pack, path, content=[pack.path]).findings


def test_a_content_directory_one_level_below_is_linted_with_what_lies_beside_it(pack: Any) -> None:
    (pack.path.parent / "waivers.yaml").write_text(WAIVER)
    pack.control("EX-NEW-01")
    done = lint([], [], today=TODAY, cwd=pack.path.parent)
    assert ["content/controls/test_ex_new_01.py:4:1: warning: control EX-NEW-01 is in no profile"] == list(
        map(str, done.findings)
    )
    assert 6 == done.files


def test_a_directory_of_somebody_else_with_such_a_name_is_left_alone(pack: Any) -> None:
    other = pack.path / "other/controls/test_buttons.py"
    other.parent.mkdir(parents=True)
    other.write_text("raise SystemExit('executed')\n")
    assert [] == said(pack)


def test_what_links_lead_to_is_linted_once(pack: Any) -> None:
    (pack.path / "waivers.yaml").write_text(WAIVER.replace("ART-01", "ART-09"))
    (pack.path / "again.yaml").symlink_to("waivers.yaml")
    (pack.path / "itself").symlink_to(".")
    (pack.path / "loop").symlink_to("loop")
    (pack.path / "dead.yaml").symlink_to("/no/such/file")
    done = linted(pack)
    assert (1, 5) == (len(done.findings), done.files)
    assert done == linted(pack, pack.path, pack.root.profiles, pack.path / "waivers.yaml")


def test_directories_one_level_below_count_and_hidden_ones_do_not(pack: Any) -> None:
    for name in ("waivers", ".hidden", "deep/er"):
        (pack.path / name).mkdir(parents=True)
        (pack.path / name / "some.yaml").write_text(WAIVER.replace("ART-01", "ART-09"))
    (found,) = said(pack)
    assert found.startswith("waivers/some.yaml:2:3: error: unknown control 'ACME-ART-09'")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("other.yaml", "jobs: {}\n", "it is none of what can be linted: a profile"),
        ("other.yaml", "just text\n", "it is none of what can be linted: a profile"),
        ("notes.txt", "", "it is neither a YAML file nor a control file"),
        ("broken.yaml", "jobs: [\n", "not valid YAML: "),
    ],
)
def test_a_file_that_is_named_must_be_of_a_known_kind(pack: Any, name: str, text: str, expected: str) -> None:
    path = pack.path / name
    path.write_text(text)
    (finding,) = linted(pack, path).findings
    assert ("error", name) == (finding.level, finding.file)
    assert finding.message.startswith(expected)


def test_python_without_a_control_is_a_warning(pack: Any) -> None:
    path = pack.file("test_nothing.py", "X = 1\n")
    assert ["controls/test_nothing.py:1:1: warning: it defines no control"] == said(pack, path)


def test_an_empty_directory_is_no_success(pack: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageProblem, match="there is nothing to lint"):
        linted(pack, empty)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, ["lint", *map(str, arguments)])


@pytest.mark.parametrize(
    ("text", "strict", "code", "summary"),
    [
        (WAIVER.replace("2026-12-31", "2099-12-31"), ["--strict"], 0, "0 errors, 0 warnings in 5 files"),
        (WAIVER.replace("2026-12-31", "2026-10-02"), [], 0, "0 errors, 1 warning in 5 files"),
        (WAIVER.replace("2026-12-31", "2026-10-02"), ["--strict"], 1, "0 errors, 1 warning in 5 files"),
        (WAIVER.replace("ART-01", "ART-09"), [], 1, "1 error, 0 warnings in 5 files"),
    ],
)
def test_the_exit_code_says_whether_there_are_errors(
    pack: Any, text: str, strict: list[str], code: int, summary: str
) -> None:
    (pack.path / "waivers.yaml").write_text(text.replace("2026-12-31", "2099-12-31"))
    done = run(pack.path, *strict)
    assert (code, summary) == (done.exit_code, done.stdout.splitlines()[-1])


def test_json_holds_every_part_of_a_finding(pack: Any) -> None:
    path = pack.path / "profiles/mine.yaml"
    path.write_text(HEAD + "control: {}\n")
    done = run(pack.path, "--json")
    assert 1 == done.exit_code
    assert [
        {
            "file": str(path),
            "line": 4,
            "column": 1,
            "level": "error",
            "message": "unknown key 'control'. Did you mean controls?",
            "code": "invalid-profile",
        }
    ] == json.loads(done.stdout)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["/no/such/place"], "/no/such/place: there is no such file or directory"),
        (["--path", "/no/such/place"], "--aisec-path /no/such/place: there is no such directory"),
    ],
)
def test_a_path_that_is_not_there_is_a_usage_error(arguments: list[str], expected: str) -> None:
    done = run(*arguments)
    assert (4, "", f"ERROR: {expected}\n") == (done.exit_code, done.stdout, done.stderr)


def test_our_own_content_is_clean() -> None:
    done = lint([ROOT], [], today=TODAY, cwd=ROOT)
    assert () == done.findings
    assert done.files > 50


def test_the_hook_of_pre_commit_lints_the_repository_that_uses_it(pack: Any) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {"id": "aisec-lint", "language": "python", "pass_filenames": False}.items() <= hook.items()
    program, *arguments = shlex.split(hook["entry"])
    assert "aisec" == program
    pack.profile("mine", "control: {}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest_aisec.cli", *arguments, *hook.get("args", [])],
        cwd=pack.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (1, "") == (done.returncode, done.stderr)
    assert [
        "profiles/mine.yaml:4:1: error: unknown key 'control'. Did you mean controls?",
        "1 error, 0 warnings in 5 files",
    ] == done.stdout.splitlines()
