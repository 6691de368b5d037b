import pytest

from pytest_aisec.facts.containers.processes import read_kernel
from pytest_aisec.observe.faults import Unobservable
from tests.support.containers import NONE, STATUS, USUAL, printed


def one(**changes):
    table, spaces = changes.pop("table", ""), changes.pop("spaces", "")
    return read_kernel(printed(table, spaces, p9=changes), [9]).processes[9]


def test_capabilities():
    assert "SYS_ADMIN" not in one().capabilities
    assert {"NET_RAW", "CHOWN", "AUDIT_WRITE", "SETFCAP"} <= one().capabilities
    assert {"CHECKPOINT_RESTORE", "SYS_MODULE"} <= one(bounding="000001ffffffffff").capabilities
    assert {"SYS_ADMIN"} == one(bounding="0", permitted="200000").capabilities
    assert {"capability 41"} == one(bounding="0000020000000000").capabilities


def test_a_filter_of_the_engine_itself_does_not_count():
    assert one().is_filtered
    assert not one(seccomp=0, filters=0).is_filtered
    table = (
        "/proc/20/status:PPid:\t1\n/proc/20/status:Uid:\t0\t0\t0\t0\n/proc/20/status:Seccomp_filters:\t1\n"
    )
    assert not one(table=table).is_filtered


def test_what_descends():
    table = "".join(f"/proc/{pid}/status:PPid:\t{ppid}\n/proc/{pid}/status:Uid:\t{uid}\t{uid}\t0\t{uid}\n" for pid, ppid, uid in [(9, 20, 5), (10, 9, 6), (11, 10, 7), (12, 20, 8)])  # fmt: skip
    assert {10: {6, 0}, 11: {7, 0}} == one(table=table).below


def test_what_came_to_see_the_same_files_is_in_it():
    table = "".join(f"/proc/{pid}/status:PPid:\t1\n/proc/{pid}/status:Uid:\t{pid}\t{pid}\t{pid}\t{pid}\n" for pid in (5, 6))  # fmt: skip
    spaces = "4026531841 /proc/1/ns/mnt\n40 /proc/9/ns/mnt\n40 /proc/5/ns/mnt\n4026531841 /proc/6/ns/mnt\n"
    assert {5: {5}} == one(table=table, spaces=spaces).below
    assert {} == one(table=table, spaces=spaces.replace("40 ", "4026531841 ")).below


def test_user_namespaces():
    assert 0 == one().root_is
    assert 100000 == one(map="0 100000 65536").root_is
    assert one(map="1000 1000 1").root_is is None


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (None, NONE),
        ("docker-default (enforce)", (0, "docker-default (enforce)\n")),
        ("system_u:system_r:container_t:s0:c1,c2", (0, "system_u:system_r:container_t:s0:c1,c2\0")),
    ],
)
def test_labels(expected, answer):
    assert expected == one(label=answer).label


def test_what_may_not_be_read_is_a_fault():
    process = one(ns=(1, "readlink: Permission denied"), mounts=(1, "cat: Permission denied"))
    assert ("privilege", "privilege") == (process.namespaces.reason, process.mounts.reason)
    assert "privilege" == one(label=(1, "cat: attr/current: Permission denied")).reason
    text = printed(p9={}).replace(
        "=9 status\n" + STATUS.format(**USUAL) + "\n=is 0", "=9 status\ncat: No such process\n=is 1"
    )
    assert "unreadable" == read_kernel(text, [9]).processes[9].reason


def test_half_an_answer_or_no_tool():
    with pytest.raises(Unobservable, match="parse"):
        read_kernel(printed(p9={})[:-40], [9])
    with pytest.raises(Unobservable, match="parse"):
        read_kernel(printed(), [9])
    with pytest.raises(Unobservable, match="tool_missing"):
        read_kernel(printed(p9={"ns": (127, "sh: readlink: not found")}), [9])


def test_selinux():
    assert read_kernel(printed(enforce=(0, "0")), []).is_selinux_permissive
    assert not read_kernel(printed(enforce=(0, "1")), []).is_selinux_permissive
    assert not read_kernel(printed(), []).is_selinux_permissive
