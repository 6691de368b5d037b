import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.nginx import configuration, parse, servers
from pytest_aisec.facts.rights import Rights
from pytest_aisec.facts.services import Service
from pytest_aisec.observe.faults import Unobservable

TEXT = """
http { # all
  limit_req zone=a;
  log_format x escape=json '{"a": "$b;{}"}';
  server {
    listen 80; listen [::1]:81 ssl; listen unix:/x; server_name a.example "b.example";
    location / { proxy_pass http://x$request_uri; }
    location ~ "^/v\\d{1,2}/" { limit_req zone=b; if ($x = "}") { proxy_pass http://y; } }
    location /static { root /srv; }
  }
}
"""


def test_servers_and_what_they_pass_on():
    (server,) = servers(parse(TEXT))
    assert (("a.example", "b.example"), (("*", 80, False), ("::1", 81, True))) == (
        server.names,
        server.listens,
    )
    assert (("*", 80, False),) == server.exposed
    assert [("/", "zone=a"), ("~ ^/v\\d{1,2}/", "zone=b")] == [
        (one.path, one.effective("limit_req")[0].args[0]) for one in server.locations
    ]


@pytest.mark.parametrize("text", ["a", "a {", "}", ";", "{ }", "a 'b", "http { a } b;"])
def test_what_is_no_configuration_is_refused(text):
    with pytest.raises(Unobservable):
        parse(text)


@given(st.text(alphabet="ab{};#'\"\\$ \n"))
def test_any_text_is_read_or_refused(text):
    with suppress(Unobservable):
        parse(text)


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

    def read(by=rights):
        service = Service(
            kind="nginx", pid=7, name="nginx", arguments=(f"nginx: master process nginx -c {tmp_path}/conf/nginx.conf",),
            uid=by and by.uid, environment={}, listeners=(), rights=by,
        )  # fmt: skip
        return [one.name for one in configuration(local, service)]

    assert ["worker_processes", "user"] == read()
    assert "unreadable" == reason(read, None)
    outside.unlink()
    os.mkfifo(outside)
    assert ["worker_processes"] == read()
    site.unlink()
    site.symlink_to("absent")
    assert [] == read()
