import pytest

from pytest_aisec.facts.container_processes import NAMESPACES, read_kernel
from pytest_aisec.observe.faults import Unobservable

STATUS = """Name:\tsleep
PPid:\t{parent}
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
CapInh:\t0000000000000000
CapPrm:\t{permitted}
CapEff:\t0000000000000000
CapBnd:\t{bounding}
NoNewPrivs:\t{nnp}
Seccomp:\t{seccomp}
Seccomp_filters:\t{filters}"""
HOST = {
    "parent": 0,
    "uid": 0,
    "permitted": "0",
    "bounding": "000001ffffffffff",
    "nnp": 0,
    "seccomp": 0,
    "filters": 0,
}
USUAL = {
    "parent": 20,
    "uid": 0,
    "permitted": "0",
    "bounding": "00000000a80425fb",
    "nnp": 1,
    "seccomp": 2,
    "filters": 1,
}
NONE = (1, "cat: attr/current: Invalid argument")


def printed(table="", enforce=(1, "cat: No such file or directory"), **containers):
    parts = [("enforce", *enforce)]
    for name, changes in {"p1": {}, **containers}.items():
        pid = name[1:]
        values = {**(HOST if pid == "1" else USUAL), **changes}
        parts += [
            (f"{pid} status", 0, STATUS.format(**values)),
            (f"{pid} uid_map", 0, values.get("map", "         0          0 4294967295")),
            (f"{pid} attr/current", *values.get("label", NONE)),
            (f"{pid} mountinfo", *values.get("mounts", (0, "22 1 0:21 / / rw - ext4 /dev/vda rw"))),
            *((f"{pid} {name}", *values.get("ns", (0, f"{name}:[{pid}]"))) for name in NAMESPACES),
        ]
    parts.append(("all", 0, table))
    return "".join(f"={name}\n{text}\n=is {status}\n" for name, status, text in parts)


def one(**changes):
    table = changes.pop("table", "")
    return read_kernel(printed(table, p9=changes), [9]).processes[9]


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
