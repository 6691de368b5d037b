import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_aisec.facts.web.http import Request, access, read_answers
from pytest_aisec.observe.faults import Unobservable

ASKED = Request(url="http://10.0.0.1:80/v1/models")


def answer(text: str, request: Request = ASKED):
    return read_answers([request], f"{text}\n\0", "")[0]


def reply(status: int, body: str = "", headers: str = ""):
    return answer(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}\r\n{body}")


def test_the_last_of_several_heads_counts():
    found = answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/2 401 \r\nwww-authenticate: Bearer\r\n\r\n{}")
    assert (401, "Bearer", "{}") == (found.status, found.headers["www-authenticate"], found.body)


@pytest.mark.parametrize(
    ("meaning", "response"),
    [
        ("refused", reply(401)),
        ("refused", reply(403)),
        ("refused", reply(302, headers="Location: /login?next=%2F\r\n")),
        ("refused", reply(303, headers="Location: https://sso.example.com/x\r\n")),
        ("absent", reply(404)),
        ("absent", reply(405)),
        ("absent", reply(301, headers="Location: https://10.0.0.1/v1/models\r\n")),
        ("open", reply(200, '{"data": []}')),
        ("open", reply(422, '{"detail": []}')),
        ("open", reply(400, '{"error": {"message": "invalid JSON, check the API key too"}}')),
        ("open", answer('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{"data": []}')),
        ("open", reply(400, "<!doctype html><title>400 Bad Request</title>")),
        ("page", reply(200, "<!doctype html><title>x</title>")),
    ],
)
def test_what_an_answer_means(meaning, response):
    assert meaning == access(response)


@pytest.mark.parametrize(
    "response",
    [
        reply(500),
        reply(502),
        reply(429),
        reply(409),
        reply(302, headers="Location: /elsewhere\r\n"),
        reply(302),
        reply(200, '{"error": {"message": "Unauthorized"}}'),
        answer("curl: (28) Operation timed out"),
        answer("curl: (7) Failed to connect to 10.0.0.1 port 80: Connection refused"),
    ],
)
def test_what_says_neither_is_no_verdict(response):
    with pytest.raises(Unobservable):
        access(response)


def test_who_answers_nonsense_alike_does_not_serve_the_route():
    nonsense = answer('HTTP/1.1 200 OK\r\n\r\n{"path": "/no"}', Request(url="http://10.0.0.1:80/no"))
    assert "absent" == access(reply(200, '{"path": "/v1/models"}'), elsewhere=nonsense)
    assert "open" == access(reply(200, '{"data": ["m"]}'), elsewhere=nonsense)


@pytest.mark.parametrize("text", ["/bin/sh: 1: curl: not found", "sh: line 3: curl: command not found"])
def test_without_curl_nothing_is_known(text):
    with pytest.raises(Unobservable) as caught:
        answer(text)
    assert "tool_missing" == caught.value.reason


@given(st.text())
def test_whatever_comes_back_is_read_or_refused(text):
    try:
        found = answer(text.replace("\0", ""))
        assert found.status == 0 or 200 <= found.status <= 999
    except Unobservable:
        pass
