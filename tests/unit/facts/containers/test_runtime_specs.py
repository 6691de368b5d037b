import base64
import json
import re
from copy import deepcopy
from pathlib import Path

import pytest

from pytest_aisec.facts.containers.containers import read_containers
from pytest_aisec.facts.containers.runtime_specs import specified
from pytest_aisec.observe.faults import Unobservable

ID, SANDBOX, IMAGE = "c7" * 32, "5a" * 32, "ac" * 32
POD = "0d0c1a6e-7d2c-4f5f-9a55-0d6f6a1d2f10"
SPEC = {
    "process": {"user": {"uid": 1000}, "env": ["PATH=/bin", "A=b=c"]},
    "root": {"path": "rootfs", "readonly": True},
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/data", "type": "bind", "source": "/srv", "options": ["rbind", "ro"]},
        {
            "destination": "/etc/hosts",
            "type": "bind",
            "source": f"/var/lib/kubelet/pods/{POD}/etc-hosts",
            "options": ["rbind", "rw"],
        },
        {
            "destination": "/dev/shm",
            "type": "bind",
            "source": f"/run/containerd/io.containerd.grpc.v1.cri/sandboxes/{SANDBOX}/shm",
            "options": ["rbind", "rw"],
        },
        {
            "destination": "/var/run/secrets/kubernetes.io/serviceaccount",
            "type": "bind",
            "source": f"/var/lib/kubelet/pods/{POD}/volumes/kubernetes.io~projected/kube-api-access",
            "options": ["rbind", "ro"],
        },
    ],
    "annotations": {"io.kubernetes.cri.sandbox-id": SANDBOX},
    "linux": {
        "maskedPaths": ["/proc/kcore"],
        "readonlyPaths": ["/proc/sys"],
        "resources": {
            "memory": {"limit": 1 << 30},
            "devices": [
                {"allow": False, "access": "rwm"},
                {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
                {"allow": True, "type": "c", "major": 195, "minor": 0, "access": "rw"},
            ],
        },
        "devices": [{"path": "/dev/nvidia0", "type": "c", "major": 195, "minor": 0}],
        "namespaces": [
            {"type": "pid"},
            {"type": "network", "path": "/proc/41/ns/net"},
            {"type": "ipc", "path": "/proc/41/ns/ipc"},
            {"type": "mount"},
        ],
    },
}
LABELS = {
    "io.kubernetes.pod.namespace": "default",
    "io.kubernetes.pod.name": "vllm-0",
    "io.kubernetes.pod.uid": POD,
    "io.kubernetes.container.name": "server",
}


def of_ctr(spec=SPEC, *, config=None, **changes):
    kept = {"Version": "v1", "Metadata": {"ImageRef": f"sha256:{IMAGE}", "Config": config or {}}}
    value = base64.b64encode(json.dumps(kept).encode()).decode()
    return {
        "ID": ID,
        "Labels": {**LABELS, "io.cri-containerd.kind": "container"},
        "Image": "registry.example/vllm:1",
        "Extensions": {"io.cri-containerd.container.metadata": {"type_url": "x", "value": value}},
        "Spec": spec,
        **changes,
    }


def of_crictl(spec=SPEC, **more):
    return {
        "status": {
            "id": ID,
            "labels": LABELS,
            "image": {"image": "registry.example/vllm:1"},
            "imageRef": f"sha256:{IMAGE}",
            "state": "CONTAINER_RUNNING",
        },
        "info": {"pid": 42, "sandboxID": SANDBOX, "runtimeSpec": spec, **more},
    }


def printed(*records, status=0):
    lines = "\n".join(f"|{line}" for line in json.dumps([*records, None], indent=1).splitlines())
    return f"=list {status}\n{lines}\n\n=inspect 0\n"


def task(info, **changes):
    return {"Pid": 42, "Status": "RUNNING", "Pids": "", "Info": info, **changes}


def read(*records, engine="containerd"):
    return specified(engine, printed(*records), "")


def one(spec, **changes):
    (container,) = read(task(of_ctr(spec), **changes)).running
    return container


def changed(**linux):
    spec = deepcopy(SPEC)
    spec["linux"].update(linux)
    return spec


def test_ctr_and_crictl_tell_the_same():
    (by_ctr,) = read(task(of_ctr())).running
    (by_crictl,) = read({"Info": of_crictl()}).running
    assert by_ctr == by_crictl
    assert ("containerd default/vllm-0/server", "1000", 42, IMAGE, True, 1 << 30, 0, False) == (
        by_ctr.label,
        by_ctr.user,
        by_ctr.pid,
        by_ctr.image_id,
        by_ctr.is_root_read_only,
        by_ctr.memory,
        by_ctr.pids_limit,
        by_ctr.is_privileged,
    )
    assert {"PATH": "/bin", "A": "b=c"} == by_ctr.environment
    assert ("/dev/nvidia0",) == by_ctr.devices
    assert ("c 195:0 rw",) == by_ctr.device_rules


def test_what_every_pod_gets_is_no_mount_of_the_host():
    assert [("bind", "/srv", False), ("volume", SPEC["mounts"][4]["source"], False)] == [
        (mount.kind, mount.source, mount.is_writable) for mount in one(SPEC).mounts
    ]


@pytest.mark.parametrize(
    ("destination", "source"),
    [
        ("/etc/hosts", "/etc/hosts"),
        ("/x", f"/var/lib/kubelet/pods/{POD}"),
        ("/x", f"/var/lib/kubelet/pods/{POD}/volumes"),
        ("/x", f"/var/lib/kubelet/pods/{POD}/volumes/kubernetes.io~secret/../../../../pki"),
        ("/x", "/var/lib/kubelet/pods/11111111-7d2c-4f5f-9a55-0d6f6a1d2f10/volumes/kubernetes.io~secret/key"),
        ("/x", f"/run/containerd/io.containerd.grpc.v1.cri/sandboxes/{SANDBOX}/shm"),
    ],
)
def test_what_another_pod_has_or_the_node_is_a_mount_of_the_host(destination, source):
    spec = {**SPEC, "mounts": [{"destination": destination, "type": "bind", "source": source}]}
    assert ["bind"] == [mount.kind for mount in one(spec).mounts]


@pytest.mark.parametrize(
    ("expected", "spec"),
    [
        (False, SPEC),
        (True, changed(maskedPaths=[], readonlyPaths=[], resources={"devices": [{"allow": True}]})),
    ],
)
def test_a_privileged_container_is_known_by_what_it_may(expected, spec):
    assert expected == one(spec).is_privileged


def test_what_the_cri_was_asked_for_counts_as_well():
    config = {"linux": {"security_context": {"privileged": True}}}
    assert [True, True, True] == [
        container.is_privileged
        for record in (
            task(of_ctr(config=config)),
            {"Info": of_crictl(config=config)},
            {"Info": of_crictl(privileged=True)},
        )
        for container in read(record).running
    ]


def test_a_disk_is_one_by_any_name():
    spec = changed(
        devices=[
            {"path": "/dev/scratch", "type": "b", "major": 8, "minor": 0},
            {"path": "/dev/log", "type": "c", "major": 1, "minor": 1},
        ]
    )
    assert ("/dev/block/8:0", "/dev/mem") == one(spec).devices


def test_a_namespace_that_is_not_its_own_is_that_of_the_host():
    assert {
        "network": "ns:/proc/41/ns/net",
        "pid": "private",
        "ipc": "ns:/proc/41/ns/ipc",
        "uts": "host",
        "userns": "",
    } == one(SPEC).modes


@pytest.mark.parametrize(
    ("expected", "own", "above"),
    [(0, None, ""), (64, 64, ""), (32, None, "32"), (32, 64, "32"), (64, 64, "128")],
)
def test_the_limit_of_processes_may_be_that_of_the_pod(expected, own, above):
    resources = {"pids": {"limit": own}} if own else {}
    assert expected == one(changed(resources=resources), Pids=above).pids_limit


def test_what_keeps_the_namespaces_of_a_pod_is_known_and_no_container():
    pause = {**of_ctr(), "ID": SANDBOX, "Labels": {"io.cri-containerd.kind": "sandbox"}}
    found = read(task(of_ctr()), task(pause), {"Sandbox": "5b" * 32})
    assert [ID] == [container.id for container in found.running]
    assert {ID, SANDBOX, "5b" * 32} == found.known


def test_what_has_ended_does_not_run():
    assert () == read(task(of_ctr(), Status="STOPPED")).running


def test_a_container_that_is_not_described_is_a_fault_beside_the_others():
    found = read(task(of_ctr()), task(None))
    assert [ID] == [container.id for container in found.running]
    assert ["unreadable"] == [fault.reason for fault in found.faults]


@pytest.mark.parametrize(
    "info",
    [
        {**of_ctr(), "Spec": None},
        {**of_ctr(), "ID": "../x"},
        {**of_ctr(), "Extensions": {"io.cri-containerd.container.metadata": {"value": "{"}}},
        of_ctr(changed(namespaces={"type": "pid"})),
        of_ctr({**SPEC, "linux": None}),
        {"status": {"id": ID}, "info": {}},
        {},
    ],
)
def test_another_form_is_refused(info):
    with pytest.raises(Unobservable) as caught:
        read(task(info))
    assert "parse" == caught.value.reason


SHIM = (
    f"243 0 own containerd-shim /usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id {SANDBOX} -address /x"
)


@pytest.mark.parametrize(
    ("expected", "records", "status"),
    [
        ([], [task(of_ctr()), {"Sandbox": SANDBOX}], 0),
        (["tool_missing"], [task(of_ctr())], 0),
        (["tool_missing", "tool_missing"], [], 127),
    ],
)
def test_every_pod_that_runs_is_described(expected, records, status):
    text = f"=containerd k8s.io@/x\n{printed(*records, status=status)}=monitors root\n{SHIM}\n"
    assert expected == [fault.reason for fault in read_containers(text, "").faults]


def test_what_containerd_itself_told_is_the_same_by_ctr_and_by_its_cri():
    """Answers of containerd 1.6.20, shortened: a pod in the host's network, and one that is privileged."""
    told = json.loads(Path(__file__).with_name("containerd_cri.json").read_text())
    by_ctr, by_cri = (
        specified("containerd", printed(*told[name][:-1]), "").running for name in ("ctr", "crictl")
    )
    assert by_ctr == by_cri
    assert {
        "default/agent/priv": ("0", 0, True),
        "default/vllm-0/server": ("1000", 1 << 28, False),
    } == {one.name: (one.user, one.memory, one.is_privileged) for one in by_cri}
    # Both are in the host's network, which the path does not show: only the kernel tells.
    assert all(re.fullmatch(r"ns:/proc/\d+/ns/net", one.modes["network"]) for one in by_cri)
    assert [("bind", "/srv", "/data", True)] == [
        (mount.kind, mount.source, mount.destination, mount.is_writable)
        for one in by_cri
        for mount in one.mounts
    ]
