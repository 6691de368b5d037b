import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.core.answers import Answer
from pytest_aisec.facts.system.exports import parse_exports, parse_smb, read_exports
from pytest_aisec.facts.system.mounts import parse_fstab, parse_mounts, parse_units
from pytest_aisec.observe.faults import Unobservable


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([("/srv", "h", ("rw",))], "/srv h(rw)"),
        ([("/srv", "h", ()), ("/srv", "", ("rw",))], "/srv h (rw)"),
        ([("/srv", "", ())], "/srv"),
        ([("/a b", "h", ("ro", "sync", "rw"))], '"/a b" -ro,sync h(rw)'),
        ([("/a b", "*", ("rw",))], "/a\\040b *(rw) # for everybody"),
        ([("/srv", "h", ("rw",)), ("/srv", "i", ("ro",))], "/srv h(rw) \\\n  i(ro)\n"),
        ([], "# /srv *(rw,no_root_squash)\n\n"),
    ],
)
def test_exports(expected, text):
    assert expected == [(one.path, one.client, one.options) for one in parse_exports(text, "x")]


@pytest.mark.parametrize("text", ["srv h(rw)", "/srv h(rw", "/srv h(rw)x", '/srv "h(rw)', "/srv h(a b)"])
def test_what_is_no_export_is_not_passed_over(text):
    with pytest.raises(Unobservable):
        parse_exports(text, "x")


def test_of_contrary_options_the_last_counts():
    (one,) = parse_exports("/srv h(no_root_squash,root_squash,sec=krb5:sys,anonuid=0)", "x")
    assert (False, ["krb5:sys"], ["0"]) == (
        one.has("no_root_squash", "root_squash"),
        one.value("sec"),
        one.value("anonuid"),
    )


def test_smb():
    shares = parse_smb("[Global]\n ; x\n Map To Guest = Bad User\n[data]\nGuest  OK=Yes\n", "smb.conf")
    assert [("global", {"maptoguest": "bad user"}), ("data", {"guestok": "yes"})] == [
        (share.name, share.settings) for share in shares
    ]
    with pytest.raises(Unobservable):
        parse_smb("[global]\nnonsense\n", "smb.conf")


SHARES = (
    (True, "guest ok = yes\n"),
    (True, "# a \\\nguest ok = yes\n"),
    (True, "; a \\\nguest ok = yes\n"),
    (False, "comment = a \\\nguest ok = yes\n"),
    (True, "comment = a \\\n# b\nguest ok = yes\n"),
    (False, "comment = a \\ \nguest ok = yes\n"),
    (True, "comment = a\\\n\nguest ok = yes\n"),
    (True, "guest \\\n ok = \\\nyes\n"),
    (True, "guest ok = no\n[other]\npath = /x\n[DATA]\nguest ok = yes\n"),
    (True, "guest ok = yes\n[ data ]\nguest ok = no\n"),
    (False, "[other] guest ok = no\nguest ok = yes\n"),
    (True, "guest ok = yes\n[other] guest ok = no\n"),
    (True, "[data]; a\nguest ok = yes\n"),
    (True, "guest ok = yes\nguest_ok = no\n"),
    (False, "guest-ok = yes\n"),
    (True, "GUEST  OK=yes\r\n"),
    (False, "# a\x0bguest ok = yes\n"),
)
"""Whether guests may use the share data, and the lines of it and behind it."""


@pytest.mark.parametrize(("is_open", "lines"), SHARES)
def test_a_share_is_open_by_its_own_section(is_open, lines):
    shares = {one.name: one.settings for one in parse_smb(f"[data]\npath = /tmp\n{lines}", "smb.conf")}
    assert is_open == (shares["data"].get("guestok") == "yes")


@pytest.mark.skipif(not shutil.which("testparm"), reason="Samba is not installed")
@pytest.mark.parametrize(("is_open", "lines"), SHARES)
def test_samba_reads_the_same(tmp_path, is_open, lines):
    path = tmp_path / "smb.conf"
    path.write_bytes(f"[data]\npath = /tmp\n{lines}".encode())
    asked = ["testparm", "-s", "--suppress-prompt", "--section-name=data", "--parameter-name=guest ok", path]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert is_open == (done.stdout.strip() == "Yes")


def test_what_will_be_mounted():
    text = (
        "# old\nUUID=1 / ext4 defaults 0 1\nnas:/a\\040b\t/data\tnfs4\tnoauto,nosuid 0 0\n//nas/m /m auto\n"
    )
    found = [(one.source, one.target, one.options) for one in parse_fstab(text)]
    assert [("nas:/a b", "/data", ("noauto", "nosuid")), ("//nas/m", "/m", ())] == found
    with pytest.raises(Unobservable, match="parse"):
        parse_fstab("nonsense\n")
    lines = {
        "a": "[Unit] What=x [Mount] Where=/data What=nas:/d Type=nfs Options=nosuid,nodev",
        "b": "[Mount] What=/dev/sda Where=/b Type=ext4",
        "c": "[Mount] What=nas:/e Where=/e",
    }
    text = "".join(
        "\n".join([f"\0/etc/systemd/system/{name}.mount", *unit.split(), ""]) for name, unit in lines.items()
    )
    text += "\0end\n"
    assert [("/data", ("nosuid", "nodev")), ("/e", ("",))] == [
        (one.target, one.options) for one in parse_units(text)
    ]


def test_what_is_mounted_and_what_will_be_are_both_told():
    texts = {8: "nas:/d /data nfs4 rw,nosuid,nodev 0 0\n", 9: "nas:/d /data nfs4 rw 0 0\n"}
    absent = "cat: /etc/exports: No such file or directory\n" * 6
    found = read_exports(
        tuple(
            Answer(stdout=texts.get(n, ""), stderr="" if n in texts else absent, status=0) for n in range(12)
        )
    )
    assert [("", True), ("/etc/fstab", False)] == [
        (one.source_file, "nosuid" in one.options) for one in found.mounts
    ]


def test_only_network_mounts():
    text = "/dev/sda1 / ext4 rw 0 0\nnas:/d /mnt/a\\040b nfs4 rw,nosuid,sec=krb5p 0 0\n"
    (mount,) = parse_mounts(text)
    assert ("/mnt/a b", "nfs4", True) == (mount.target, mount.kind, "nosuid" in mount.options)
    with pytest.raises(Unobservable):
        parse_mounts("nonsense\n")


@given(st.text())
def test_any_text_is_exports_or_no_exports(text):
    try:
        found = parse_exports(text, "x")
    except Unobservable:
        return
    assert all(one.path.startswith("/") for one in found)
