import pytest

from pytest_aisec.facts.containers.mounts import origins, read_mounts
from pytest_aisec.observe.faults import Unobservable

HOST = read_mounts(
    "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "23 22 0:22 / /run rw shared:2 - tmpfs tmpfs rw\n"
    "24 22 0:40 /@home /home rw - btrfs /dev/vdb rw,subvol=/@home\n"
    "25 22 0:21 /etc /var/lib/docker/volumes/v/_data rw - ext4 /dev/vda rw\n"
    "26 22 0:50 / /mnt/two\\040words rw - ext4 /dev/vdc rw\n"
)


def inside(line):
    return read_mounts(f"90 80 0:99 / / ro - overlay overlay rw,lowerdir=/a:/b\n91 90 {line}\n")


@pytest.mark.parametrize(
    ("expected", "destination", "line"),
    [
        (("/etc",), "/data", "0:21 /etc /data rw - ext4 /dev/vda rw"),
        (("/etc/ssh",), "/data/", "0:21 /etc/ssh /data rw - ext4 /dev/vda rw"),
        (("/",), "/data", "0:21 / /data rw - ext4 /dev/vda rw"),
        (("/run/docker.sock",), "/s", "0:22 /docker.sock /s rw - tmpfs tmpfs rw"),
        (("/home/alice",), "/h", "0:40 /@home/alice /h rw - btrfs /dev/vdb rw"),
        (("/mnt/two words/x",), "/m", "0:50 /x /m rw - ext4 /dev/vdc rw"),
        (("/etc",), "/data", "0:21 /etc /data/below rw - ext4 /dev/vda rw"),
        ((), "/data", "0:21 /etc /database rw - ext4 /dev/vda rw"),
        (("/etc",), "/o", "0:77 / /o rw - overlay overlay rw,lowerdir=/etc,upperdir=/u,workdir=/w"),
        ((), "/t", "0:78 / /t rw - tmpfs tmpfs rw"),
    ],
)
def test_origins(expected, destination, line):
    assert expected == origins(destination, inside(line), HOST)


def test_layers_of_an_image_are_not_of_the_host():
    assert () == origins("/", inside("0:78 / /t rw - tmpfs tmpfs rw"), HOST)


def test_what_is_no_mountinfo():
    with pytest.raises(Unobservable, match="parse"):
        read_mounts("cat: permission denied")
