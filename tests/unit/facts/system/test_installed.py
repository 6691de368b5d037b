import os
import shutil
from pathlib import Path

import pytest

from pytest_aisec.facts.system.installed import EXECUTABLES, installed

USERS = "".join(f"user 4026531837 /proc/{pid}/ns/user\n" for pid in ("self", 7, 8))
NGINX = "'/proc/7/exe' -> '/usr/sbin/nginx'\n"
OF_ROOT = {".": "0:0:41ed", "/usr": "0:0:41ed", "/usr/sbin": "0:0:41ed", "/usr/sbin/nginx": "0:0:81ed"}


def places(root="", **changes):
    return "".join(
        f"{entry} {root}{'/.' if path == '.' else path}\n" for path, entry in (OF_ROOT | changes).items()
    )


def asked(recorded, exes, entries, users=USERS, apart=()):
    return installed(recorded({"%N": exes + users, "%u:%g:%f": entries}), [7], apart=apart)


@pytest.mark.parametrize(
    "exes",
    [
        NGINX,
        "/proc/7/exe -> '/usr/sbin/nginx'\n",
        "'/proc/7/exe' -> '/usr/sbin/nginx (deleted)'\n",
        "`/proc/7/exe' -> `/usr/sbin/nginx'\n",
        f"'/proc/8/exe' -> '/usr/bin/perl'\n{NGINX}",
    ],
)
def test_what_root_alone_can_put_in_its_place_is_an_installed_program(recorded, exes):
    assert {7: "nginx"} == asked(recorded, exes, places())


@pytest.mark.parametrize(
    ("exes", "entries", "users"),
    [
        (NGINX, places(**{"/usr/sbin/nginx": "1000:1000:81ed"}), USERS),
        (NGINX, places(**{"/usr/sbin/nginx": "0:0:81ff"}), USERS),
        (NGINX, places(**{"/usr/sbin": "1000:1000:41ed"}), USERS),
        (NGINX, places(**{"/usr/sbin": "0:0:43ff"}), USERS),
        (NGINX, places(**{"/usr/sbin": "0:50:41fd"}), USERS),
        (NGINX, places(**{"/usr/sbin": "0:0:a1ff"}), USERS),
        (NGINX, "", USERS),
        (NGINX, places(), USERS.replace("4026531837 /proc/7/", "4026532999 /proc/7/")),
        (NGINX, places(), ""),
        ("", places(), USERS),
        (f"{NGINX}'/proc/7/exe' -> '/usr/bin/sshd'\n", places(), USERS),
        ("'/proc/7/exe' -> '/home/x'$'\\n''/usr/sbin/nginx'\n", places(), USERS),
        ("'/proc/7/exe' -> '/usr/sbin/../sbin/nginx'\n", places(), USERS),
    ],
    ids=[
        *("file of an account", "file for all", "directory of an account", "directory for all"),
        *("directory of a group", "link", "gone", "user namespace", "no namespaces shown", "not shown"),
        *("two names", "a name of two lines", "not as the kernel writes it"),
    ],
)
def test_what_an_account_can_put_there_is_none(recorded, exes, entries, users):
    assert {} == asked(recorded, exes, entries, users)


def test_in_a_container_its_own_root_directory_counts(recorded):
    assert {7: "nginx"} == asked(recorded, NGINX, places("/proc/7/root"), apart={7})
    assert {} == asked(recorded, NGINX, places(), apart={7})


def test_nothing_is_asked_of_nobody(recorded):
    host = recorded({})
    assert {} == installed(host, [])
    assert [] == host.asked


@pytest.mark.skipif(not shutil.which("stat"), reason="there is no stat")
def test_the_question_names_the_file_that_this_process_runs(local):
    shown = local.run(EXECUTABLES).stdout
    assert str(Path("/proc/self/exe").readlink()) in shown
    assert f"/proc/{os.getpid()}/ns/user" in shown
