import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_aisec.facts.system.rights import ROOT, Rights, given_file, owners, set_ids, with_rights
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.script.posix import may_leave_writers

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="root reads with the rights of others"
)

ALICE = Rights(uid=61000, gid=61000)
MEMBER = Rights(uid=61000, gid=61000, groups=(61005,))
SECRET = "of root alone"


@pytest.fixture
def tree(tmp_path):
    """Return a directory of root's with files of several accounts and ways to them."""
    top = tmp_path
    while top.parent != top.parent.parent:
        top.chmod(0o755)
        top = top.parent
    for name, uid, gid, mode in (
        ("alice", 61000, 61000, 0o755), ("team", 0, 61005, 0o770), ("open", 0, 0, 0o777), ("drop", 0, 0, 0o1777),
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        os.chown(tmp_path / name, uid, gid)
        (tmp_path / name).chmod(mode)
    for name, uid, gid, mode, text in (
        ("secret", 0, 0, 0o600, SECRET), ("plain", 0, 0, 0o644, "plain %s\nend 0\n"), ("long", 0, 0, 0o644, "x" * 1048577),
        ("alice/own", 61000, 61000, 0o600, "own"), ("team/shared", 0, 61005, 0o640, "shared"),
        ("drop/of-root", 0, 0, 0o600, "kept"),
    ):  # fmt: skip
        (tmp_path / name).write_text(text, encoding="ascii")
        os.chown(tmp_path / name, uid, gid)
        (tmp_path / name).chmod(mode)
    for name, uid, target in (
        ("alice/link", 61000, "../secret"), ("of-root", 0, "plain"), ("to-alice", 0, "alice/own"),
        ("through-alice", 0, "alice/link"), ("team/link", 0, "../secret"), ("open/link", 0, "../secret"),
        ("drop/link", 61000, "../secret"), ("round", 0, "round"),
    ):  # fmt: skip
        (tmp_path / name).symlink_to(target)
        os.lchown(tmp_path / name, uid, uid)
    os.mkfifo(tmp_path / "alice/fifo")
    return tmp_path


def read(host, path, rights):
    try:
        return given_file(host, str(path), rights)
    except Unobservable as fault:
        return fault.reason


@pytest.mark.parametrize(
    ("name", "of_alice", "of_root"),
    [
        ("plain", "plain %s\nend 0\n", "plain %s\nend 0\n"),
        ("of-root", "plain %s\nend 0\n", "plain %s\nend 0\n"),
        ("secret", "privilege", SECRET),
        ("alice/own", "own", "own"),
        ("to-alice", "own", "own"),
        ("alice/link", "privilege", "privilege"),
        ("through-alice", "privilege", "privilege"),
        ("team/link", "privilege", "privilege"),
        ("open/link", "privilege", "privilege"),
        ("drop/link", "privilege", "privilege"),
        ("drop/of-root", "privilege", "kept"),
        ("team/shared", "privilege", "shared"),
        ("alice/../alice/own", "own", "own"),
        ("alice/fifo", "unreadable", "unreadable"),
        ("alice", "unreadable", "unreadable"),
        ("round", "unreadable", "unreadable"),
        ("absent", "unreadable", "unreadable"),
        ("long", "truncated", "truncated"),
    ],
)
def test_a_file_is_read_as_far_as_who_names_it_could(local, tree, name, of_alice, of_root):
    assert (of_alice, of_root) == (read(local, tree / name, ALICE), read(local, tree / name, ROOT))


def test_the_groups_of_a_process_count(local, tree):
    assert ("shared", "privilege") == (
        read(local, tree / "team/shared", MEMBER),
        read(local, tree / "team/link", MEMBER),
    )


@pytest.mark.parametrize(
    "path", ["/dev/zero", "/dev/null", "/proc/self/environ", "/proc/1/cmdline", "/sys/kernel/uevent_seqnum"]
)
@pytest.mark.parametrize("rights", [ALICE, ROOT])
def test_devices_and_what_the_kernel_makes_up_are_not_read(local, path, rights):
    assert "unreadable" == read(local, path, rights)


def test_what_reads_for_an_account_travels_with_other_questions():
    assert not may_leave_writers(with_rights(ALICE, 'g "$1"', "/etc/hostname")[0])


def test_a_process_that_has_ended_names_nothing(local):
    assert "unreadable" == read(local, "/etc/hostname", None)


def test_what_reads_for_an_account_holds_no_stream_of_the_audit_and_none_of_its_environment(
    local, monkeypatch
):
    monkeypatch.setenv("AISEC_PRIVATE", "of the audit")
    script = 'readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2; tr "\\000" "\\n" </proc/self/environ'
    answer = local.run("readlink /proc/self/fd/1 /proc/self/fd/2; " + with_rights(ALICE, script)[0])
    streams = answer.stdout.splitlines()
    assert "/dev/null" == streams[2]
    assert not {*streams[:2]} & {*streams[3:5]}
    assert all(stream.startswith("pipe:") for stream in streams[3:5])
    assert "AISEC_PRIVATE" not in answer.stdout


def test_the_owner_of_a_process_is_what_the_kernel_says(local):
    process = subprocess.Popen(
        ["setpriv", "--reuid", "61000", "--regid", "61001", "--groups", "61001,61005", "sleep", "60"]
    )
    try:
        while Path(f"/proc/{process.pid}").stat().st_uid != 61000:
            os.sched_yield()
        assert Rights(uid=61000, gid=61001, groups=(61005,), acts_as=61000) == owners(local)[process.pid]
    finally:
        process.kill()
        process.wait()


def test_a_program_with_a_set_user_id_bit_speaks_for_who_started_it(local, tmp_path):
    top = tmp_path
    while top.parent != top.parent.parent:
        top.chmod(0o755)
        top = top.parent
    program = tmp_path / "sleeper"
    shutil.copy(shutil.which("sleep"), program)
    program.chmod(0o4755)
    process = subprocess.Popen(["setpriv", "--reuid", "61000", "--clear-groups", program, "60"])
    try:
        while Path(f"/proc/{process.pid}/exe").readlink() != program:
            os.sched_yield()
        rights = owners(local)[process.pid]
        assert (61000, 0) == (rights.uid, rights.acts_as)
        assert process.pid in set_ids(local)
        assert os.getpid() not in set_ids(local)
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(
    subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
    reason="mounts for itself alone",
)
@pytest.mark.parametrize("mounted", ["usr dev", "usr dev proc"])
def test_where_a_directory_became_the_root_files_are_read_though_no_mount_shows(tree, mounted):
    question, *arguments = with_rights(ALICE, 'g "$1"', "/alice/own")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", f"""
            cd "$1"
            for place in {mounted}; do mkdir $place; mount --rbind /$place $place; done
            for place in bin lib lib64 sbin; do ln -s usr/$place $place; done
            exec chroot . /bin/sh -c "$2"
        """, "sh", tree, question % tuple(map(shlex.quote, arguments))],
        capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert ("own\nend 0\n", "") == (done.stdout, done.stderr)
