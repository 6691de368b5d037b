import pytest

from pytest_aisec.facts.containers.processes import read_kernel
from pytest_aisec.observe.faults import Unobservable
from tests.support.containers import ID, NONE, STATUS, USUAL, printed


def one(**changes):
    framed = {name: changes.pop(name) for name in ("table", "cgroups", "mnt", "pid") if name in changes}
    return read_kernel(printed(**framed, p9=changes), {9: ID}).processes[9]


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
    assert {10: {6, 0}, 11: {7, 0}} == one(table=table, mnt=links("mnt", {9: 5})).others


TABLE = "".join(f"/proc/{pid}/status:PPid:\t1\n/proc/{pid}/status:Uid:\t{pid}\t{pid}\t{pid}\t{pid}\n" for pid in (9, 10, 11, 12))  # fmt: skip


def links(kind, namespaces):
    return "".join(
        f"lrwxrwxrwx 1 root root 0 Nov 29 02:29 /proc/{pid}/ns/{kind} -> {kind}:[{number}]\n"
        for pid, number in namespaces.items()
    )


def in_cgroup(path, *pids):
    return "".join(f"/proc/{pid}/cgroup:0::{path}\n" for pid in pids)


@pytest.mark.parametrize(
    "path",
    [
        f"/system.slice/docker-{ID}.scope",
        f"/docker/{ID}",
        f"/machine.slice/libpod-{ID}.scope/container",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container",
        f"/kubepods.slice/kubepods-pod0a.slice/cri-containerd-{ID}.scope",
    ],
)
def test_what_an_engine_starts_in_a_running_container_is_in_it(path):
    beside = in_cgroup(f"/machine.slice/libpod-conmon-{ID}.scope", 12)
    assert {10} == set(one(table=TABLE, cgroups=in_cgroup(path, 9, 10) + beside).others)


def test_without_a_control_group_of_its_own_it_is_told_by_namespaces():
    host = {1: 5, 12: 5}
    assert {10} == set(one(table=TABLE, mnt=links("mnt", {9: 7, 10: 7, 11: 8, **host})).others)
    seen = one(table=TABLE, mnt=links("mnt", {9: 7, **host}), pid=links("pid", {9: 3, 10: 3, 11: 4, **host}))
    assert {10} == set(seen.others)
    assert set() == set(one(table=TABLE, mnt=links("mnt", host | {9: 5})).others)


def test_a_container_in_the_same_pid_namespace_answers_for_itself():
    groups = in_cgroup(f"/docker/{ID}", 9, 10) + in_cgroup(f"/docker/{'d8' * 32}", 11)
    seen = one(table=TABLE, cgroups=groups, pid=links("pid", {9: 3, 10: 3, 11: 3}))
    assert {10} == set(seen.others)


def test_what_belongs_to_it_may_not_be_known():
    assert "privilege" == one(table=TABLE).others.reason


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
    assert "unreadable" == read_kernel(text, {9: ID}).processes[9].reason


def test_half_an_answer_or_no_tool():
    with pytest.raises(Unobservable, match="parse"):
        read_kernel(printed(p9={})[:-40], {9: ID})
    with pytest.raises(Unobservable, match="parse"):
        read_kernel(printed(), {9: ID})
    with pytest.raises(Unobservable, match="tool_missing"):
        read_kernel(printed(p9={"ns": (127, "sh: readlink: not found")}), {9: ID})


def test_selinux():
    assert read_kernel(printed(enforce=(0, "0")), {}).is_selinux_permissive
    assert not read_kernel(printed(enforce=(0, "1")), {}).is_selinux_permissive
    assert not read_kernel(printed(), {}).is_selinux_permissive
