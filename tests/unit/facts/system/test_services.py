import pytest

from pytest_aisec.facts.system.rights import Rights
from pytest_aisec.facts.system.services import Services
from pytest_aisec.facts.system.sockets import Socket


@pytest.mark.parametrize(
    ("uid", "expected"), [(0, False), (109, False), (1000, True), (61200, False), (165536, True)]
)
def test_a_name_says_what_listens_only_where_the_system_gave_it(uid, expected):
    socket = Socket(
        protocol="tcp", state="LISTEN", local=None, local_port=9000, peer=None, peer_port=0,
        processes=("postgres",), pids=(7,),
    )  # fmt: skip
    people = frozenset({7}) if Rights(uid=uid, gid=uid).is_of_people else frozenset()
    known = Services(found=(), listeners=(socket,), of_people=people)
    assert expected == (socket in known.unknown)
