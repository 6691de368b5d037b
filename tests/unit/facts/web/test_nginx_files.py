import os
from pathlib import Path

import pytest

from pytest_aisec.facts.system.rights import Rights
from pytest_aisec.facts.system.services import Service
from pytest_aisec.facts.web.nginx_files import configuration, nginx_version, not_reloaded


def test_the_files_are_joined_as_far_as_the_main_process_could_read_them(local, tmp_path, reason):
    site = tmp_path / "conf" / "sites" / "a.conf"
    outside = tmp_path / "outside" / "b.conf"
    for path, text in (
        (tmp_path / "conf" / "nginx.conf", f"include sites/*.conf; include {tmp_path}/outside/*.conf;"),
        (site, "worker_processes 1;"),
        (outside, "user www;"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    rights = Rights(uid=os.geteuid(), gid=os.getegid())

    def found(by=rights):
        service = Service(
            kind="nginx", pid=7, name="nginx", arguments=(f"nginx: master process nginx -c {tmp_path}/conf/nginx.conf",),
            uid=by and by.uid, environment={}, listeners=(), rights=by,
        )  # fmt: skip
        return configuration(local, service)

    def read(by=rights):
        return [one.name for one in found(by).directives]

    assert ["worker_processes", "user"] == read()
    assert {tmp_path / "conf" / "nginx.conf", site.parent, site, outside.parent, outside} == {
        Path(path) for path in found().files
    }
    assert "unreadable" == reason(read, None)
    outside.unlink()
    os.mkfifo(outside)
    assert ["worker_processes"] == read()
    site.unlink()
    site.symlink_to("absent")
    assert [] == read()


def nginx(pid, title):
    return Service(
        kind="nginx",
        pid=pid,
        name="nginx",
        arguments=(title,),
        uid=0,
        environment={},
        listeners=(),
        rights=Rights(uid=0, gid=0),
    )


def test_what_nginx_has_read_is_told_by_the_workers_that_serve(local):
    """Those that are shutting down have been started for what it read before."""
    running = [
        nginx(7, "nginx: master process /usr/sbin/nginx"),
        nginx(8, "nginx: worker process is shutting down"),
        nginx(9, "nginx: worker process"),
        nginx(10, "nginx: cache manager process"),
    ]
    not_reloaded(local, running[0], running, ["/etc/nginx/nginx.conf"])
    (question,) = local.asked
    assert [True, False, True, False] == [f"/proc/{one.pid}/stat" in question for one in running]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ((1, 22, 1), "nginx version: nginx/1.22.1\n"),
        ((1, 25, 3), "nginx version: openresty/1.25.3.1\n"),
    ],
)
def test_the_version_is_what_the_program_says(recorded, answer, expected, said):
    assert expected == nginx_version(recorded({"nginx -v": answer(0, "", said)}))


def test_a_program_that_says_no_version_is_unknown(recorded, answer, reason):
    assert "parse" == reason(nginx_version, recorded({"nginx -v": answer(127, "", "nginx: not found")}))
