from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.web.nginx import servers
from pytest_aisec.facts.web.nginx_syntax import parse
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


LUA = r"""
http {
  init_by_lua_block { local t = {a = {}} -- } it's
    --[[ }} ]] local s = '}' .. "}\"" .. [==[ ]] } ]==]
  }
  server {
    listen 8080;
    location / {
      access_by_lua_block { if ngx.var.x ~= "don't {" then ngx.exit(403) end }
      limit_req zone=b; proxy_pass http://y;
      set_by_lua_block $y { return "a;b}" }
    }
  }
}
"""


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ([], "content_by_lua_block { ngx.say('ok') }"),
        (["/"], "content_by_lua_block { local r = ngx.location.capture('/x') }"),
        (["/"], "content_by_lua_block { require('resty.http').new() }"),
        (["/"], "content_by_lua_file /etc/nginx/x.lua;"),
        (["/"], "js_content main.pass;"),
    ],
)
def test_a_program_that_may_pass_requests_on_counts(expected, content):
    (server,) = servers(parse(f"http {{ server {{ location / {{ {content} }} }} }}"))
    assert expected == [one.path for one in server.locations]


def test_programs_that_see_each_request():
    (server,) = servers(parse(LUA))
    assert ("access_by_lua_block",) == server.locations[0].programs


def test_blocks_of_lua_are_passed_over_whole():
    (server,) = servers(parse(LUA))
    (location,) = server.locations
    assert ("/", "zone=b") == (location.path, location.effective("limit_req")[0].args[0])
    assert [("$y", ' return "a;b}" ')] == [one.args for one in location.effective("set_by_lua_block")]
    assert (("*", 8080, False),) == server.listens


@pytest.mark.parametrize(
    "text", ["http { a_by_lua_block { x }", "a_by_lua_block { '}' ", "a_by_lua_block { -- }"]
)
def test_a_block_of_lua_that_does_not_end_is_refused(text):
    with pytest.raises(Unobservable):
        parse(text)


@given(st.text(alphabet="ab{};#'\"\\$ \n"))
def test_any_text_is_read_or_refused(text):
    with suppress(Unobservable):
        parse(text)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (True, "return 301 https://$host$request_uri;"),
        (True, "if ($x) { return 404; } return 308 https://a.example;"),
        (False, "return 301 http://$host;"),
        (False, "return https://a.example;"),
        (False, "return 200 https://a.example;"),
        (False, "location / { return 301 https://a.example; }"),
    ],
)
def test_a_server_only_redirects_where_nothing_else_is_served(expected, said):
    (server,) = servers(parse(f"http {{ server {{ listen 80; {said} }} }}"))
    assert expected == server.only_redirects
