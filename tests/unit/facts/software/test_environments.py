import pytest

from pytest_aisec.facts.software.environments import read_search
from pytest_aisec.observe.faults import Unobservable


def found(*records, stderr="", tops=("/opt", "/srv"), status=0):
    stdout = "".join(
        f"{record}\n\0" for record in ("top /opt", "top /data/srv", *records, f"status {status}")
    )
    return read_search(tops, stdout, stderr)


def test_records_are_those_of_the_expression():
    assert ("d /opt/a.dist-info", "d /opt/b\nc") == found("d /opt/a.dist-info", "d /opt/b\nc").records


@pytest.mark.parametrize("target", ["/opt/releases/7", "/data/srv/app", "/data/srv"])
def test_a_link_to_what_is_searched_is_no_fault(target):
    assert [] == found(f"link /opt/app\t{target}").faults


@pytest.mark.parametrize("target", ["/data/venvs/app", "/optional/app", "/srv/app", ""])
def test_a_link_to_an_environment_elsewhere_is_a_fault(target):
    assert ["unreadable"] == [fault.reason for fault in found(f"link /opt/app\t{target}").faults]


def test_absent_is_what_find_says_of_a_root_itself():
    seen = found(stderr="find: '/srv': No such file or directory", status=1)
    assert (("/srv",), []) == (seen.absent, seen.faults)
    seen = found(stderr="find: '/srv/gone': No such file or directory", status=1)
    assert () == seen.absent


def test_what_may_not_be_seen_is_a_fault():
    seen = found(stderr="find: '/srv': Permission denied", status=1)
    assert ((), ["privilege"]) == (seen.absent, [fault.reason for fault in seen.faults])


@pytest.mark.parametrize(
    "stderr", ["sh: 1: readlink: not found", "sh: 1: cannot open /proc/self/mountinfo: No such file"]
)
def test_a_search_that_did_not_work_is_no_search(stderr):
    with pytest.raises(Unobservable):
        found(stderr=stderr)
