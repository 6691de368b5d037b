import pytest

from pytest_aisec.facts.system.rights import Rights
from pytest_aisec.facts.system.services import Services, services
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


SS = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
OF_ROOT = (
    "0:0:41ed /.\n0:0:41ed /usr\n0:0:41ed /usr/sbin\n0:0:81ed /usr/sbin/nginx\n0:0:81ed /usr/sbin/chronyd\n"
    "0:0:41ed /usr/bin\n0:0:81ed /usr/bin/python3.11\n0:0:41ed /opt\n0:0:41ed /opt/lab\n0:0:41ed /opt/lab/bin\n"
    "0:0:81ed /opt/lab/bin/jupyter-lab\n0:0:81ed /usr/bin/dash\n0:0:41ed /opt/ray\n0:0:81ed /opt/ray/raylet\n"
)


def found(recorded, uid, title, *, comm="x", exe="/usr/bin/python3", address="0.0.0.0:8000", entries=OF_ROOT):
    """Return the services of a host with one process, number 7, of this account."""
    arguments = title.replace(" ", "\0")
    host = recorded(
        {
            "/comm": f"/proc/1/comm:systemd\n/proc/7/comm:{comm}\n",
            "/limits": "/proc/1/limits:Max core file size   0   unlimited   bytes\n",
            "cmdline": f"/proc/1/cmdline:init\0/proc/7/cmdline:{arguments.replace(chr(0), chr(0) + '/proc/7/cmdline:')}\0",
            "ss -tunap": f'{SS}tcp LISTEN 0 5 {address} 0.0.0.0:* users:(("{comm}",pid=7,fd=3))\n',
            "/environ": "/proc/7/environ:HOME=/home/x\0",
            "^(Uid": "".join(
                f"/proc/{pid}/status:{key}:\t{one}\t{one}\t{one}\t{one}\n"
                for pid, one in ((1, 0), (7, uid))
                for key in ("Uid", "Gid")
            ),
            "%N": f"'/proc/7/exe' -> '{exe}'\nuser 1 /proc/self/ns/user\nuser 1 /proc/7/ns/user\n",
            "%u:%g:%f": entries,
            "%u:%a": "",
            "/ns/net": "1 /proc/self/ns/net\n1 /proc/1/ns/net\n1 /proc/7/ns/net\n",
            "/root": "0:1 /proc/self/root\n0:1 /proc/1/root\n0:1 /proc/7/root\n",
            "ip -o": "2: eth0    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth0\n",
            "id -u": "0\n",
        }
    )
    host.backend = None
    return services(host)


@pytest.mark.parametrize(
    "title", ["nginx: master process nginx", "prometheus --x", "grafana server", "haproxy -f x", "caddy run"]
)
@pytest.mark.parametrize("uid", [998, 1000, 65534])
def test_a_program_is_not_what_its_arguments_say(recorded, uid, title):
    """Before: its listener was taken for that of a program that answers no requests with a model."""
    known = found(recorded, uid, title)
    assert [8000] == [socket.local_port for socket in known.unknown]
    assert () == known.of("nginx", "haproxy", "caddy")


@pytest.mark.parametrize("uid", [1000, 65534])
@pytest.mark.parametrize(
    "title", ["jupyter-lab --port 8000", "mlflow server", "tensorboard --x", "raylet --x"]
)
def test_a_script_of_an_account_is_judged_as_what_it_says_and_may_be_something_else(recorded, uid, title):
    known = found(recorded, uid, title)
    assert 1 == len(known.found)
    assert [8000] == [socket.local_port for socket in known.unknown]
    assert () == known.possible_frontends(8000, judged=known.found)
    assert known.listeners == known.possible_frontends(8000)


@pytest.mark.parametrize(
    ("uid", "title", "exe"),
    [
        (0, "nginx: master process nginx", "/usr/bin/python3"),
        (33, "nginx: worker process", "/usr/sbin/nginx"),
        (1000, "nginx: master process nginx", "/usr/sbin/nginx"),
        (0, "prometheus --x", "/usr/bin/perl"),
        (998, "/usr/bin/python3 /opt/lab/bin/jupyter-lab --port 8000", "/usr/bin/python3.11"),
        (998, "/opt/lab/bin/python -I /opt/lab/bin/jupyter-lab", "/usr/bin/python3.11"),
        (998, "/opt/ray/raylet --x", "/opt/ray/raylet"),
        (1000, "python3 -m vllm.entrypoints.openai.api_server", "/home/x/bin/python3"),
    ],
)
def test_what_root_and_an_installed_program_say_is_known(recorded, uid, title, exe):
    known = found(recorded, uid, title, exe=exe)
    assert 1 == len(known.found)
    assert () == known.unknown


@pytest.mark.parametrize(
    ("title", "exe", "script"),
    [
        ("/usr/bin/python3 -c jupyter-lab", "/usr/bin/python3.11", "0:0:81ed"),
        ("/usr/bin/python3 -m jupyterlab", "/usr/bin/python3.11", "0:0:81ed"),
        ("/usr/bin/python3 - jupyter-lab", "/usr/bin/python3.11", "0:0:81ed"),
        ("/usr/bin/python3 jupyter-lab", "/usr/bin/python3.11", "0:0:81ed"),
        ("jupyter-lab --port 8000", "/usr/bin/python3.11", "0:0:81ed"),
        ("/usr/bin/python3 /opt/lab/bin/jupyter-lab", "/usr/bin/python3.11", "998:998:81ed"),
        ("/usr/bin/python3 /opt/lab/bin/jupyter-lab", "/usr/bin/python3.11", "0:0:81ff"),
        ("/usr/bin/python3 /opt/lab/bin/jupyter-lab", "/home/x/python3.11", "0:0:81ed"),
        ("/usr/bin/python3 /opt/lab/bin/../../../tmp/jupyter-lab", "/usr/bin/python3.11", "0:0:81ed"),
        ("dash /tmp/jupyter-lab", "/usr/bin/dash", "0:0:81ed"),
        ("raylet --x", "/usr/bin/python3.11", "0:0:81ed"),
    ],
)
def test_what_an_account_of_the_system_can_write_itself_may_be_something_else(recorded, title, exe, script):
    """Before: whatever an account of the system gave an interpreter for arguments was believed."""
    known = found(
        recorded, 998, title, exe=exe, entries=OF_ROOT.replace("0:0:81ed /opt/lab", f"{script} /opt/lab")
    )
    assert [8000] == [socket.local_port for socket in known.unknown]


@pytest.mark.parametrize(
    ("uid", "exe", "expected"),
    [
        (0, "/usr/bin/perl", ()),
        (109, "/usr/sbin/chronyd", ()),
        (109, "/usr/bin/python3", (8000,)),
        (65534, "/usr/sbin/nginx", (8000,)),
        (1000, "/usr/sbin/chronyd", (8000,)),
    ],
)
def test_a_daemon_is_known_by_its_file_and_not_by_its_name(recorded, uid, exe, expected):
    """Before: whatever an account of the system called `chronyd` or `sshd` was none of our business."""
    known = found(recorded, uid, "x", comm="chronyd", exe=exe)
    assert expected == tuple(socket.local_port for socket in known.unknown)
