"""dm-crypt and fscrypt on recorded output: kernels of test machines often have neither."""

import pytest

from pytest_aisec.facts.artifacts.at_rest import (
    read_crypt_table,
    read_devices,
    read_fscrypt,
    read_mounts,
    storage,
)
from pytest_aisec.facts.artifacts.model_files import ModelFile
from pytest_aisec.observe.faults import Unobservable

MOUNTS = """\
25 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
26 25 254:1 / /srv rw,relatime - xfs /dev/mapper/vg-srv rw
27 25 0:45 / /pool rw - btrfs /dev/sdb rw
28 25 9:0 / /raid rw - xfs /dev/md0 rw
29 25 0:50 / /with\\040space rw - tmpfs tmpfs rw
"""
DEVICES = """\
sda\t8:0\t\t\t
sda2\t8:2\t\t\t
sda3\t8:3\t\t\t
dm-0\t254:0\tcrypt0\tCRYPT-LUKS2-0123-crypt0\tsda3\x20
dm-1\t254:1\tvg-srv\tLVM-abc\tdm-0\x20
md0\t9:0\t\t\tdm-0 sda2\x20
"""
TABLE = "vg-srv: 0 1048576 linear 254:0 2048\ncrypt0: 0 1048576 crypt aes-xts-plain64 :64:logon:cryptsetup:0123-d0 0 8:3 32768 1 allow_discards\n"
FSCRYPT = """\
"/home/m" is encrypted with fscrypt.

Policy:   16382f282d7b29ee27e6460151d03382
Options:  padding:32  contents:AES_256_XTS  filenames:AES_256_CTS  policy_version:2
Unlocked: Yes
"""


def file(path, device):
    return ModelFile(
        path=path, identity=f"{device}:5", size=9, mode=0o600, owner="root", group="root", head=b""
    )


def device(major, minor):
    return major << 8 | minor


@pytest.fixture
def look(recorded, answer):
    def of(path, number, *, table=TABLE, user="0\n", devices=DEVICES, **more):
        host = recorded(
            {
                "mountinfo": MOUNTS,
                "/sys/class/block": devices,
                "id -u": user,
                "dmsetup": table,
                "lsattr": more.get("flags", "--------------e------- /x\n"),
                "fscrypt": more.get("fscrypt", FSCRYPT),
            }
        )
        found = storage(host, [file(path, number)])[path]
        if isinstance(found, Unobservable):
            return found.reason
        return found.directory_policy or [(v.cipher, v.key_bits, v.is_luks) for v in found.volumes]

    return of


LUKS = [("aes-xts-plain64", 512, True)]


def test_volume_on_luks(look):
    assert LUKS == look("/srv/models/a.pt", device(254, 1))


def test_where_a_link_leads_out_of_the_encrypted_file_system(look):
    assert [] == look("/srv/models/a.pt", device(8, 2))


def test_raid_of_which_one_part_is_in_clear(look):
    assert [] == look("/raid/a.pt", device(9, 0))


def test_not_encrypted(look):
    assert [] == look("/m/a.pt", device(8, 2))


def test_integrity_is_no_encryption(look):
    assert [] == look("/srv/a", device(254, 1), devices=DEVICES.replace("CRYPT-LUKS2", "CRYPT-VERITY"))


def test_short_key(look):
    table = "crypt0: 0 9 crypt aes-xts-plain64 " + "0" * 64 + " 0 8:3 32768\n"
    assert [("aes-xts-plain64", 256, True)] == look("/srv/a", device(254, 1), table=table)


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("privilege", {"user": "1000\n"}),
        ("parse", {"table": ""}),
        ("parse", {"table": "No devices found\n"}),
        ("parse", {"table": "nonsense\n"}),
        ("parse", {"table": TABLE + TABLE.replace("xts", "cbc")}),
        ("parse", {"table": TABLE + "crypt0: 1048576 2048 linear 8:3 1081344\n"}),
    ],
)
def test_cipher_that_cannot_be_seen(look, expected, changes):
    try:
        found = look("/srv/a.pt", device(254, 1), **changes)
    except Unobservable as fault:
        found = fault.reason
    assert expected == found


def test_file_system_that_encrypts_in_its_own_way(look):
    assert "unreadable" == look("/pool/a.pt", 45)
    assert "unreadable" == look("/pool/subvolume/a.pt", 99)


def test_fscrypt(look):
    assert "AES_256_XTS" == look("/m/a.pt", device(8, 2), flags="----E--------e------- /m\n")
    assert "parse" == look("/m/a.pt", device(8, 2), flags="----E--------e------- /m\n", fscrypt="no")


def test_mount_points_with_spaces():
    assert "/with space" == read_mounts(MOUNTS)[-1].point


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (read_mounts, "nonsense"),
        (read_devices, "nonsense"),
        (read_crypt_table, "nonsense"),
        (read_fscrypt, "nonsense"),
    ],
)
def test_nonsense(reason, function, text):
    assert "parse" == reason(function, text)
