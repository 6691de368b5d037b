import pytest

from pytest_aisec.facts.system.listings import mounted_elsewhere
from pytest_aisec.observe.faults import Unobservable

OWN = "20 1 0:9 / / rw - ext4 /dev/a rw\n21 20 0:7 /v /data rw - ext4 /dev/b rw\n"
ALL = "0:9 / /\n0:7 /v /data\n"


@pytest.mark.parametrize(
    ("expected", "mount"),
    [
        ([], ""),
        (["/data/x/raw"], "0:7 /v/x/raw /srv\n"),
        (["/data/x/a b"], "0:7 /v/x/a\\040b /srv\n"),
        ([], "0:7 /v/x /srv\n"),
        ([], "0:7 /v/other /srv\n"),
        ([], "0:7 /v/x/raw /data/x/raw\n"),
        ([], "0:8 /v/x/raw /srv\n"),
    ],
)
def test_what_a_mount_shows_at_another_place(expected, mount):
    assert expected == list(mounted_elsewhere(OWN, ALL + mount, ["/data/x"]))


@pytest.mark.parametrize("text", ["", "0:9 / /\n", "0:9 /\n"])
def test_half_a_table_is_not_believed(text):
    with pytest.raises(Unobservable):
        mounted_elsewhere(OWN, text, ["/data/x"])
