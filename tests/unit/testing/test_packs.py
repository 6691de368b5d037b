from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_aisec.testing import containers, packs, venues
from pytest_aisec.testing.labkit import LabUnavailableError

SCENARIOS = Path("pack/tests/scenarios")


def refused(typed, *arguments: object) -> str:
    done = typed("test", *arguments)
    assert (4, "") == (done.returncode, done.stdout)
    return done.stderr


def test_what_is_no_pack_is_refused(pack, typed, tmp_path) -> None:
    assert "nowhere: there is no such directory" in refused(typed, "nowhere")
    assert "pack/tests: is no pack: it has no controls/ directory" in refused(typed, "pack/tests")
    shutil.rmtree(SCENARIOS)
    assert "pack/tests/scenarios: holds no scenario; `aisec new control ID --path pack`" in refused(
        typed, "pack"
    )
    (tmp_path / "pack/controls/ckp/test_closed.py").unlink()
    assert "pack/controls: holds no control" in refused(typed, "pack")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("EX-CKP-02/a.pass.sh", "", "there is no control EX-CKP-02 in the pack. Did you mean EX-CKP-01?"),
        (
            "mine/a.pass.sh",
            "",
            "pack/tests/scenarios/mine: there is no control mine in the pack. Known: EX-CKP-01.",
        ),
        ("a.pass.sh", "", "belongs into the directory of a control"),
        ("EX-CKP-01/a.sh", "", "must be named <what>.<pass|fail|na|open|error>.sh"),
        ("EX-CKP-01/a.good.sh", "", "must be named <what>.<pass|fail|na|open|error>.sh"),
        ("EX-CKP-01/a.error.sh", "", "names its reason in the header: # reason: unreachable|auth|privilege|"),
        (
            "EX-CKP-01/a.error.sh",
            "# reason: denied",
            "# reason: denied is not one of unreachable, auth, privilege",
        ),
        ("EX-CKP-01/a.pass.sh", "# host: debian", "# host: debian is not one of stock, services, aws"),
        ("EX-CKP-01/a.pass.sh", "# sudo: true", "# sudo: true is not one of no, yes"),
        ("EX-CKP-01/a.pass.sh", "# active: on", "# active: on is not one of no, yes"),
        ("EX-CKP-01/a.pass.sh", "# as: a b", "# as: a b is no name of an account"),
        ("EX-CKP-01/a.pass.sh", "# param: {a: 1}", "# param: is no key of a header. Did you mean params?"),
        ("EX-CKP-01/a.pass.sh", "# params: {a", "# params: is not YAML"),
        ("EX-CKP-01/a.pass.sh", "# params: [a]", "# params: must be a mapping"),
        (
            "EX-CKP-01/a.pass.sh",
            "# params: {directoy: /}",
            "no parameter 'directoy'. Did you mean directory?",
        ),
        ("EX-CKP-01/a.pass.sh", "# params: {directory: 1}", "parameter 'directory' of EX-CKP-01 is str"),
        ("EX-CKP-01/a.pass.sh", "# lib: mine", "'mine' is not in lib/; known: none"),
        ("EX-CKP-01/a.pass.sh", "# wheels: torch", "# wheels: torch is not one of litellm, ray"),
    ],
)
def test_what_is_wrong_with_a_scenario_names_file_value_and_choices(pack, typed, name, text, said) -> None:
    path = SCENARIOS / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{text}\n")
    message = refused(typed, "pack", "--recorded")
    assert said in message
    assert str(path if path.parent.name != "mine" and "02" not in name else path.parent) in message


def test_everything_that_is_wrong_is_told_at_once(pack, typed) -> None:
    for name in ("a.pass.sh", "b.pass.sh"):
        (SCENARIOS / "EX-CKP-01" / name).write_text("# sudo: perhaps\n")
    assert 2 == refused(typed, "pack").count("# sudo: perhaps is not one of")


def test_a_part_is_chosen_by_control_or_script(pack, typed) -> None:
    found = packs.read(pack)
    assert 3 == len(found.narrowed(["EX-*"]).scenarios)
    part = found.narrowed(["EX-CKP-01/open*"])
    assert ["open.fail.sh"] == [item.path.name for item in part.scenarios]
    assert {} == part.missing
    message = refused(typed, "pack", "-k", "EX-CKP-10")
    assert "-k EX-CKP-10: matches no control and no scenario of pack. Did you mean EX-CKP-01?" in message


def test_a_control_for_windows_alone_is_left_out(pack, typed) -> None:
    path = Path("pack/controls/ckp/test_closed.py")
    text = (
        path.read_text()
        .replace("EX-CKP-01", "EX-WIN-01")
        .replace('severity="high"', 'severity="high", platforms=("windows",)')
    )
    path.with_name("test_windows.py").write_text(text)
    found = packs.read(pack)
    assert ({}, ["EX-WIN-01"]) == (found.missing, found.not_provable)


@pytest.fixture
def nothing(monkeypatch, tmp_path) -> None:
    """No lab, and no engine."""

    def unavailable() -> None:
        raise LabUnavailableError("the lab needs root")

    monkeypatch.setattr(venues, "require_lab", unavailable)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


def test_a_machine_without_any_place_hears_what_each_needs(pack, typed, nothing) -> None:
    message = refused(typed, "pack")
    assert 1 == message.count("ERROR")
    for line in (
        "lab     needs root on a Debian that may make namespaces: the lab needs root",
        "podman  needs podman, as any user: there is no podman in the search path",
        "docker  needs docker, and the right to use it: there is no docker in the search path",
        "--on ssh://root@HOST --expendable HOST",
        "--recorded",
    ):
        assert line in message
    assert "--on podman: there is no podman in the search path" in refused(typed, "pack", "--on", "podman")
    assert "--on lab: the lab needs root" in refused(typed, "pack", "--on", "lab")


def test_options_that_do_not_fit_are_refused(pack, typed) -> None:
    for arguments, said in (
        (
            ("--on", "podmann"),
            "--on podmann: is not one of lab, podman, docker, ssh://HOST. Did you mean podman?",
        ),
        (
            ("--on", "ssh://root@h"),
            "nothing is cleaned up. If it may be broken, say so by naming it again: --expendable h",
        ),
        (
            ("--on", "ssh://root@h", "--expendable", "g"),
            "--expendable g: is not the host of --on ssh://root@h, which is h",
        ),
        (("--on", "ssh://me@h", "--expendable", "h"), "scripts run as root; write ssh://root@HOST[:PORT]"),
        (("--on", "ssh://"), "write ssh://root@HOST[:PORT]"),
        (("--expendable", "h"), "--expendable h: is for --on ssh://HOST"),
        (("--on", "lab", "--image", "x"), "--image x: is for --on podman or docker"),
        (("--recorded", "--on", "lab"), "--on lab: --recorded asks no host"),
    ):
        assert said in refused(typed, "pack", *arguments)


def test_an_image_that_cannot_be_fetched_is_one_message(pack, typed, tmp_path, monkeypatch) -> None:
    player = tmp_path / "bin/podman"
    player.parent.mkdir()
    player.write_text(
        '#!/bin/sh\ncase "$1" in version) exit 0;; pull) echo "Trying" >&2; echo "Error: no route" >&2;; esac\nexit 125\n'
    )
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(player.parent))
    message = refused(typed, "pack", "--on", "podman")
    assert (
        f"--image {containers.DEFAULT_IMAGE}: podman does not have it and cannot fetch it: Error: no route"
        in message
    )
    assert "--image mine: podman" in refused(typed, "pack", "--on", "podman", "--image", "mine")
