"""What the lab cannot show: a kernel with AppArmor or SELinux, and a privileged container of docker."""

import traceback
from copy import deepcopy
from types import SimpleNamespace

import pytest

from pytest_aisec.catalog.content import content_root
from pytest_aisec.catalog.load import load_catalog
from tests.support.containers import DOCKERD, RECORD, SHIM, answer, printed

CATALOG = load_catalog([content_root()])
APPARMOR = (0, "docker-default (enforce)\n")
SELINUX = (0, "system_u:system_r:container_t:s0:c1,c2\0")


class Played:
    """A host on which one container of docker runs."""

    backend = None

    def __init__(self, record, **process):
        self.inspected = answer([record], DOCKERD, SHIM)
        enforce = process.pop("enforce", (1, "cat: No such file or directory"))
        self.seen = printed(enforce=enforce, p32688={"uid": 1000, **process})

    def run(self, command, *arguments):
        if "=monitors" in command:
            stdout = self.inspected
        elif "/proc/$p" in command:
            stdout = self.seen
        else:
            absent = [f"stat: cannot statx '{path}': No such file or directory" for path in arguments]
            return SimpleNamespace(rc=1, stdout="", stderr="\n".join(absent))
        return SimpleNamespace(rc=0, stdout=stdout, stderr="")


def audit(control, record=RECORD, **process):
    """Return what the control found wrong."""
    try:
        CATALOG[control].function(Played(record, **process))
    except AssertionError as error:
        (*_, (frame, _)) = traceback.walk_tb(error.__traceback__)
        return str(frame.f_locals["wrong"])
    return ""


@pytest.mark.parametrize(
    ("expected", "process"),
    [
        ("", {"label": APPARMOR}),
        ("", {"label": SELINUX}),
        ("", {"label": SELINUX, "enforce": (0, "1")}),
        ("SELinux is permissive", {"label": SELINUX, "enforce": (0, "0")}),
        ("docker-default (complain)", {"label": (0, "docker-default (complain)\n")}),
        ("unconfined", {"label": (0, "unconfined\n")}),
        ("spc_t", {"label": (0, "system_u:system_r:spc_t:s0\0")}),
        ("neither AppArmor nor SELinux", {}),
        ("no seccomp filter", {"label": APPARMOR, "seccomp": 0, "filters": 0}),
        ("new privileges", {"label": APPARMOR, "nnp": 0}),
    ],
)
def test_confinement(expected, process):
    wrong = audit("AISEC-CTR-05", **process)
    assert expected in wrong
    assert bool(expected) == bool(wrong)


@pytest.mark.parametrize("control", ["AISEC-CTR-04", "AISEC-CTR-05"])
def test_privileged(control):
    record = deepcopy(RECORD)
    record["HostConfig"]["Privileged"] = True
    assert "privileged" in audit(control, record, bounding="000001ffffffffff", label=(0, "unconfined\n"))


@pytest.mark.parametrize(
    ("expected", "devices", "rules"),
    [
        ("", ["/dev/nvidia0", "/dev/infiniband/uverbs0"], ["c 195:* rwm"]),
        ("/dev/nvme0n1", ["/dev/nvme0n1"], []),
        ("b 8:* rwm", [], ["b 8:* rwm"]),
        ("a *:* rwm", [], ["a *:* rwm"]),
        ("c 1:1 r", [], ["c 1:1 r"]),
    ],
)
def test_devices(expected, devices, rules):
    record = deepcopy(RECORD)
    record["HostConfig"]["Devices"] = [{"PathOnHost": path} for path in devices]
    record["HostConfig"]["DeviceCgroupRules"] = rules
    wrong = audit("AISEC-CTR-04", record, bounding="0000000000000400")
    assert expected in wrong
    assert bool(expected) == bool(wrong)


@pytest.mark.parametrize(
    ("expected", "source", "writable"),
    [
        ("", "/srv/data", True),
        ("", "/usr/share/models", True),
        ("", "/usr/lib", False),
        ("", "/etc/ssl/certs", False),
        ("in /etc", "/etc/ssl/certs", True),
        ("writable", "/usr", True),
        ("writable", "/usr/local/lib/python3", True),
        ("of the host itself", "/", False),
        ("of the host itself", "/run", False),
        ("holds /var/lib/containerd", "/var/lib", False),
        ("in /root", "/root/.cache", False),
        ("credentials", "/home/ann/.ssh", False),
        ("", "/home/ann/.sshfs", False),
        ("socket", "/var/run/docker.sock", False),
        ("socket", "/srv/podman.sock", True),
        ("in /run/user", "/var/run/user/1000", True),
    ],
)
def test_places_of_the_host(expected, source, writable):
    record = deepcopy(RECORD)
    record["Mounts"][0].update(Source=source, RW=writable)
    plain = source.replace("/var/run", "/run")
    mounts = f"22 1 0:21 / / rw - ext4 /dev/vda rw\n23 22 0:21 {plain} /data rw - ext4 /dev/vda rw"
    wrong = audit("AISEC-CTR-07", record, mounts=(0, mounts))
    assert expected in wrong
    assert bool(expected) == bool(wrong)


@pytest.mark.parametrize(
    ("expected", "image"),
    [
        ("", f"nvcr.io/nvidia/pytorch@sha256:{'0' * 64}"),
        ("", f"nvcr.io/nvidia/pytorch:24.09@sha256:{'0' * 64}"),
        ("not pinned", "nvcr.io/nvidia/pytorch:24.09"),
        ("not pinned", "nvcr.io/nvidia/pytorch@sha256:0123"),
        ("not from", f"nvcr.io/nvidia-mirror/pytorch@sha256:{'0' * 64}"),
        ("docker.io/library/nginx", f"nginx@sha256:{'0' * 64}"),
        ("docker.io/nvcr/nvidia", f"nvcr/nvidia@sha256:{'0' * 64}"),
        ("by id", "0697c54820e3"),
    ],
)
def test_references(expected, image):
    record = deepcopy(RECORD)
    record["Config"]["Image"] = image
    wrong = audit("AISEC-CTR-09", record)
    assert expected in wrong
    assert bool(expected) == bool(wrong)
