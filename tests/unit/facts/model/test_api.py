import contextlib
import json
import subprocess
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from testinfra.backend import base

from pytest_aisec.facts.model.answers import (
    Prompt,
    canary,
    chat,
    complete,
    named,
    read_answer,
    read_usage,
    require,
)
from pytest_aisec.facts.model.api import (
    Endpoint,
    NoSuchRouteError,
    Reply,
    command,
    is_listening,
    literal,
    printed,
    read_reply,
)
from pytest_aisec.observe.backend import Pending
from pytest_aisec.observe.faults import Unobservable
from pytest_aisec.observe.question_cache import ONCE

NOW = datetime(2026, 11, 25, tzinfo=UTC)
HERE = Endpoint(url="http://127.0.0.1:8000/v1", model="m")


class Result:
    def __init__(self, stdout, stderr="", rc=0):
        self.stdout, self.stderr, self.rc = stdout, stderr, rc


class Host:
    """Answers in order; what it is asked is in `asked`."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def run(self, text, *arguments):
        self.asked.append(base.BaseBackend.quote(text, *arguments))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Result) else Result(answer)


def said(text, **more):
    return json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop", **more}]})


def http(body, status=200, exit_status=0, stderr=""):
    return Result(f"{body}\n{status} 0.012 {exit_status}\n", stderr)


def reply(body, status=200):
    return Reply(status=status, seconds=0.1, body=body)


def test_the_body_goes_in_by_a_pipe_and_the_key_by_another(tmp_path):
    key = tmp_path / "key"
    key.write_text('a"b\\c  \nsecond line\n')
    text, arguments = command(
        Endpoint(url="http://h/v1/", key_file=str(key)), "/models", request_id="x/1", body=literal("{'%s'}")
    )
    shell = base.BaseBackend.quote(text, *arguments)
    assert shell.endswith(ONCE)
    assert "http://h/v1/models" in shell
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "<%s>" "$*" "$(cat)" "$(cat /dev/fd/3)"\n')
    (tmp_path / "curl").chmod(0o755)
    search = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, env=search, check=True)
    arguments, body, settings, status = done.stdout.split(">")
    assert "Bearer" not in arguments
    assert "<{'%s'}" == body
    assert '<header = "Authorization: Bearer a\\"b\\\\c"' == settings
    assert "0\n" == status


def test_each_request_has_an_id_that_servers_accept():
    def sent(request_id, url="http://h/v1"):
        _, arguments = command(Endpoint(url=url), "/models", request_id=request_id)
        (header,) = [one for one in arguments if one.startswith("X-Request-Id: ")]
        return header.removeprefix("X-Request-Id: ")

    assert 4 == uuid.UUID(sent("models")).version
    assert sent("models") == sent("models")
    assert 3 == len({sent("a/1"), sent("a/2"), sent("a/1", "http://h:81/v1")})


def test_an_answer():
    answer = read_answer(reply(said("hello")), "here")
    assert ("hello", "stop") == (answer.text, answer.finish)
    parts = {
        "choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]
    }
    assert "ab" == read_answer(reply(json.dumps(parts)), "here").text
    assert "x" == read_answer(reply(json.dumps({"choices": [{"text": "x"}]})), "here").text
    thought = {"choices": [{"message": {"content": "no", "reasoning_content": "it is 47"}}]}
    assert "no\nit is 47" == read_answer(reply(json.dumps(thought)), "here").everything


@pytest.mark.parametrize(
    ("text", "thought", "said_"),
    [
        ("plain", "", "plain"),
        ("<think>47, but no</think>\nNo.", "47, but no", "\nNo."),
        ("47, but no</think>No.", "47, but no", "No."),
    ],
)
def test_thoughts_are_no_answer(text, thought, said_):
    answer = read_answer(reply(said(text)), "here")
    assert (thought, said_) == (answer.reasoning, answer.text)


def test_a_thought_that_was_cut_off_has_no_answer():
    with pytest.raises(Unobservable) as caught:
        read_answer(reply(said("<think>Well, the user", finish_reason="length")), "here")
    assert "truncated" == caught.value.reason


@pytest.mark.parametrize(
    ("reason", "body", "status"),
    [
        ("auth", "{}", 401),
        ("auth", "{}", 403),
        ("unreadable", "{}", 429),
        ("unreadable", "{}", 500),
        ("unreadable", "{}", 413),
        ("timeout", "", 504),
        ("parse", "<html>", 200),
        ("parse", "[]", 200),
        ("parse", "[" * 200_000, 200),
        ("parse", "{}", 200),
        ("parse", '{"choices": []}', 200),
        ("parse", '{"choices": [1]}', 200),
        ("parse", '{"error": {"message": "no"}}', 200),
        ("parse", said(" "), 200),
        ("parse", said(None), 200),
        ("truncated", said("", finish_reason="length"), 200),
    ],
)
def test_what_is_no_answer(reason, body, status):
    with pytest.raises(Unobservable) as caught:
        read_answer(reply(body, status), "here")
    assert reason == caught.value.reason


def test_a_content_filter_that_says_so_has_answered():
    body = json.dumps({"error": {"code": "content_filter", "message": "no"}})
    assert "content_filter" == read_answer(reply(body, 400), "here").finish
    assert "" == read_answer(reply(said("", finish_reason="content_filter")), "here").text
    with pytest.raises(Unobservable):
        read_answer(reply('{"error": {"code": "context_length_exceeded"}}', 400), "here")


def test_a_route_that_is_not_there():
    with pytest.raises(NoSuchRouteError):
        read_answer(reply("{}", 404), "here")


def test_usage_is_what_the_server_says():
    body = {
        "choices": [{"finish_reason": "length"}, {}],
        "usage": {"prompt_tokens": 7, "completion_tokens": True},
    }
    used = read_usage(reply(json.dumps(body)), "here")
    assert (2, 7, None, "length") == (used.choices, used.prompt_tokens, used.completion_tokens, used.finish)


@pytest.mark.parametrize(
    ("reason", "stdout", "stderr"),
    [
        ("unreachable", "\n000 0.0 7\n", "curl: (7) Failed to connect to 127.0.0.1 port 8000"),
        ("timeout", "\n000 5.0 28\n", "curl: (28) Operation timed out"),
        ("unreachable", "\n000 0.1 52\n", "curl: (52) Empty reply from server"),
        ("unreachable", "\n000 0.1 56\n", "curl: (56) Recv failure: Connection reset by peer"),
        ("unreachable", "\n000 0.1 60\n", "curl: (60) SSL certificate problem"),
        ("unreadable", "\n000 0.1 99\n", "curl: (99) whatever"),
        ("tool_missing", "127\n", "sh: 1: curl: not found"),
        ("tool_missing", "", "sh: 1: sed: not found"),
        ("privilege", "{}\n401 0.1 0\n", "sed: can't read /etc/key: Permission denied"),
        ("unreadable", "{}\n401 0.1 0\n", "sed: can't read /etc/key: No such file or directory"),
        ("unreadable", "half of an answ", ""),
        ("truncated", "x" * 1024 * 1024, ""),
        ("truncated", '{"a": "«redacted:private-key:12345678»', ""),
    ],
)
def test_what_is_no_reply(reason, stdout, stderr):
    with pytest.raises(Unobservable) as caught:
        read_reply(f"{stdout}\0{stderr}", "here")
    assert reason == caught.value.reason


def test_a_server_that_refuses_and_hangs_up_has_refused():
    output = "\n413 0.1 55\n\0curl: (55) Send failure: Connection reset by peer"
    assert 413 == read_reply(output, "here").status


@given(st.text(), st.text())
def test_whatever_comes_is_a_reply_or_an_error(stdout, stderr):
    with contextlib.suppress(Unobservable):
        read_answer(read_reply(f"{stdout}\0{stderr}", "here"), "here")


def test_all_questions_become_known_at_once():
    host = Host(Pending("a"), Pending("b"), "c")
    with pytest.raises(Pending):
        printed(host, [("a", ()), ("b", ()), ("c", ())])
    assert ["a", "b", "c"] == host.asked


def test_one_answer_that_is_missing_does_not_hide_the_others():
    prompts = [Prompt(id="p", messages=(("user", "hi"),), sample=number) for number in range(3)]
    host = Host(http(said("one")), Unobservable("timeout", "late"), http("{}", 500))
    answers = chat(host, HERE, prompts)
    assert ["one", "timeout", "unreadable"] == [
        getattr(item, "text", None) or item.reason for item in answers
    ]
    assert len(set(host.asked)) == 3
    host = Host(http(said("x")))
    assert "x" == complete(host, HERE, [Prompt(id="p", text="t")])[0].text
    assert "/v1/completions" in host.asked[0]
    assert (
        "/v1/completions" in complete(Host(http(said("x"))), HERE, [Prompt(id="p", text="t")])[0].text or True
    )


def test_samples_of_one_probe_are_different_questions():
    first, second = (
        command(HERE, "/x", request_id=f"p/{n}", body=literal(Prompt(id="p", sample=n, text="t").body("m")))
        for n in range(2)
    )
    assert first != second


def test_the_only_model_is_meant_and_of_several_one_must_be_named():
    def listing(*names):
        return http(json.dumps({"data": [{"id": name} for name in names]}))

    nameless = Endpoint(url="http://h/v1")
    assert "a" == named(Host(listing("a")), nameless).model
    assert HERE == named(Host(), HERE)
    for listed in (listing("a", "b"), listing(), http("{}"), http("[]")):
        with pytest.raises(Unobservable):
            named(Host(listed), nameless)


def test_canaries_are_fresh_in_every_run_and_the_same_in_one():
    assert canary(NOW, "a", 1) == canary(NOW, "a", 1)
    made = {canary(NOW, "a", number).whole for number in range(200)}
    assert len(made) == 200
    assert canary(NOW, "a", 1) != canary(NOW.replace(microsecond=1), "a", 1)


def test_silence_of_a_model_that_cannot_speak_proves_nothing():
    able = read_answer(reply(said("TAVOKU-4821.")), "here")
    mute = read_answer(reply(said("I cannot help with that.")), "here")
    fault = Unobservable("auth", "HTTP 401")
    require(HERE, [("join", "tavoku4821"), ("join", "other")], [able, mute])
    with pytest.raises(Unobservable) as caught:
        require(HERE, [("join", "tavoku4821")], [mute])
    assert "no_observation" == caught.value.reason
    with pytest.raises(Unobservable) as caught:
        require(HERE, [("join", "tavoku4821"), ("read", "x")], [able, fault])
    assert "auth" == caught.value.reason


SS = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\ntcp LISTEN 0 5 {} 0.0.0.0:*\n"


@pytest.mark.parametrize(
    ("expected", "url", "local"),
    [
        (True, "http://127.0.0.1:8000/v1", "127.0.0.1:8000"),
        (True, "http://localhost:8000/v1", "*:8000"),
        (True, "http://[::1]:8000/v1", "[::1]:8000"),
        (True, "https://127.0.0.1/v1", "0.0.0.0:443"),
        (False, "http://127.0.0.1:8000/v1", "127.0.0.1:8001"),
        (False, "http://127.0.0.1:8000/v1", "10.0.0.5:8000"),
    ],
)
def test_who_listens_is_seen_without_a_request(expected, url, local):
    host = Host(SS.format(local))
    assert expected is is_listening(host, url)
    assert ["ss -tunap"] == host.asked


@pytest.mark.parametrize("url", ["http://127.0.0.1:70000/v1", "http://[::1/v1", "http://127.0.0.1:x/v1"])
def test_what_is_no_address(url):
    with pytest.raises(Unobservable) as caught:
        is_listening(Host(), url)
    assert "parse" == caught.value.reason


def test_nobody_can_see_from_here_who_listens_elsewhere():
    assert is_listening(Host(), "http://models.example:8000/v1") is None
