"""The lab has no device mapper: what the tools print is recorded in their form."""

import json

import pytest

from pytest_aisec.facts.core.answers import Answer
from pytest_aisec.facts.system.volumes import read_volumes

LUKS = "luks: 0 2064384 crypt aes-xts-plain64 :64:logon:cryptsetup:x 0 254:16 32768\n"


def answer(stdout="", stderr="", status=0):
    return Answer(stdout=stdout, stderr=stderr, status=status)


def dev(name, kind, *below, **more):
    return {"name": name, "path": f"/dev/{name}", "type": kind, "children": list(below), **more}


def judged(mount, tops=(), crypts=LUKS, flags="--------------e------- /data\n", crypt_answer=None):
    mounts = [{"target": "/", "source": "/dev/vda1", "fstype": "ext4", "options": "rw"}, mount]
    found, faults = read_volumes(
        {"/data": "/data"},
        (
            answer(json.dumps({"filesystems": mounts})),
            answer(json.dumps({"blockdevices": list(tops)})),
            crypt_answer or answer(crypts),
            answer(flags),
        ),
    )
    return [one.is_encrypted for one in found], {key: fault.reason for key, fault in faults.items()}


def at(source, kind="ext4", options="rw", target="/data"):
    return {"target": target, "source": source, "fstype": kind, "options": options}


DISK = dev("vdb", "disk")
PLAIN = dev("md0", "raid1", dev("luks", "crypt", DISK), dev("vdc", "disk"))


@pytest.mark.parametrize(
    ("expected", "mount", "tops"),
    [
        (True, at("/dev/luks"), [dev("luks", "crypt", DISK)]),
        (
            True,
            at("/dev/mapper/vg-data[/sub]"),
            [{**dev("vg-data", "lvm", dev("luks", "crypt", DISK)), "path": "/dev/mapper/vg-data"}],
        ),
        (False, at("/dev/vdb"), [DISK]),
        (False, at("/dev/md0"), [PLAIN]),
        (False, at("/dev/verity"), [dev("verity", "crypt", DISK)]),
        (True, at("/dev/luks", "btrfs"), [dev("luks", "crypt", DISK, uuid="u")]),
        (
            False,
            at("/dev/luks", "btrfs"),
            [dev("luks", "crypt", DISK, uuid="u"), dev("vdd", "disk", uuid="u")],
        ),
        (None, at("nas:/d", "nfs4", "rw,sec=krb5p"), []),
        (False, at("none", "tmpfs"), []),
        (True, at("none", "tmpfs", "rw,noswap"), []),
        (True, at("/d.enc", "fuse.gocryptfs"), []),
    ],
)
def test_layers(expected, mount, tops):
    assert ([expected], {}) == judged(mount, tops)


def test_a_cipher_that_is_none():
    tops = [dev("luks", "crypt", DISK)]
    assert ([False], {}) == judged(at("/dev/luks"), tops, LUKS.replace("aes-xts-plain64", "cipher_null-ecb"))


def test_fscrypt():
    assert ([True], {}) == judged(at("/dev/vdb"), [DISK], flags="----------E---e------- /data\n")


@pytest.mark.parametrize(
    ("reason", "mount", "crypts"),
    [
        ("unreadable", at("none", "overlay"), None),
        ("unreadable", at("/dev/elsewhere"), None),
        ("unreadable", at("tank/data", "zfs"), None),
        ("privilege", at("/dev/luks"), answer("", "/dev/mapper/control: open failed: Permission denied", 1)),
        ("tool_missing", at("/dev/luks"), answer("", "sh: dmsetup: not found", 127)),
    ],
)
def test_what_is_not_seen(reason, mount, crypts):
    assert ([], {"/data": reason}) == judged(mount, [dev("luks", "crypt", DISK)], crypt_answer=crypts)


def test_what_is_mounted_below_counts_too():
    assert ([False, False], {}) == judged(at("none", "tmpfs", target="/data/more"), [dev("vda1", "part")])
