from types import SimpleNamespace

import pytest

from pytest_aisec.facts.model.unnamed import other_apis

KNOWN = SimpleNamespace(strangers=("one",), url=lambda _: "http://127.0.0.1:9000")
MODELS = '{"data": [{"id": "m"}]}'


def asked(recorded, answer, stdout, stderr=""):
    host = recorded({"curl": answer(0, stdout, stderr)})
    host.backend = None
    return other_apis(host, ask=True, known=KNOWN)


def test_what_lists_models_is_one(recorded, answer):
    assert {"http://127.0.0.1:9000/v1": "lists models"} == asked(recorded, answer, f"{MODELS}\n200 0.01 0\n")


@pytest.mark.parametrize("said", ["<html>\n200 0.01 0\n", '{"data": []}\n200 0.01 0\n', "no\n404 0.01 0\n"])
def test_what_answers_otherwise_is_none(recorded, answer, said):
    assert {} == asked(recorded, answer, said)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('{"error": "Unauthorized"}\n401 0.01 0\n', "asks for a key"),
        ("Forbidden\n403 0.01 0\n", "lets nobody see"),
        ('{"error": {"message": "Loading model"}}\n503 0.01 0\n', "is busy"),
        ('{"object": "list", "data": []}\n200 0.01 0\n', "lists no model now"),
        ('{"object": "list", "data": null}\n200 0.01 0\n', "lists no model now"),
    ],
)
def test_what_hides_whether_it_lists_models_is_named(recorded, answer, said, what):
    assert {"http://127.0.0.1:9000/v1": what} == asked(recorded, answer, said)


@pytest.mark.parametrize("base", ["/v1", "/openai/v1", "/api/v1", "/v3"])
def test_the_api_may_lie_at_another_place(recorded, answer, base):
    there, absent = answer(0, f"{MODELS}\n200 0.01 0\n", ""), answer(0, "no\n404 0.01 0\n", "")
    host = recorded({f":9000{base}/models": there, "curl": absent})
    host.backend = None
    assert {f"http://127.0.0.1:9000{base}": "lists models"} == other_apis(host, ask=True, known=KNOWN)


@pytest.mark.parametrize(
    ("expected", "code", "said"),
    [
        ("unreadable", 1, "Received HTTP/0.9 when not allowed"),
        ("timeout", 28, "Operation timed out"),
        ("unreachable", 35, "TLS connect error"),
        ("unreachable", 52, "Empty reply from server"),
        ("unreachable", 56, "Recv failure: Connection reset by peer"),
    ],
)
def test_what_gives_no_answer_over_http_may_be_a_model_behind_tls(
    recorded, answer, reason, expected, code, said
):
    found = f"\n000 0.01 {code}\n"
    assert expected == reason(asked, recorded, answer, found, f"curl: ({code}) {said}\n")


@pytest.mark.parametrize("said", ["", MODELS[:9], f"{MODELS[:9]}\udcff{MODELS[9:]}\n200 0.01 0\n"])
def test_half_an_answer_is_none(recorded, answer, reason, said):
    assert reason(asked, recorded, answer, said) in {"parse", "unreadable"}


OVER_HTTP, OVER_TLS = "http://127.0.0.1:9000/", "https://127.0.0.1:9000/"


def failed(answer, code, said):
    return answer(0, f"\n000 0.01 {code}\n", f"curl: ({code}) {said}\n")


def both(recorded, plain, secure):
    host = recorded({OVER_TLS: secure, OVER_HTTP: plain})
    host.backend = None
    return other_apis(host, ask=True, known=KNOWN)


def test_a_model_behind_tls_is_found(recorded, answer):
    found = both(recorded, failed(answer, 52, "Empty reply"), answer(0, f"{MODELS}\n200 0.01 0\n", ""))
    assert {"https://127.0.0.1:9000/v1": "lists models"} == found


def test_what_answers_otherwise_over_tls_is_none(recorded, answer):
    assert {} == both(recorded, failed(answer, 56, "reset"), answer(0, "no\n404 0.01 0\n", ""))


@pytest.mark.parametrize(
    "said",
    [
        "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number",
        "gnutls_handshake() failed: An unexpected TLS packet was received.",
    ],
)
def test_what_speaks_another_protocol_is_none(recorded, answer, said):
    plain = failed(answer, 1, "Received HTTP/0.9 when not allowed")
    assert {} == both(recorded, plain, failed(answer, 35, said))


@pytest.mark.parametrize(
    ("plain", "code", "said"),
    [
        (
            (1, "Received HTTP/0.9 when not allowed"),
            35,
            "error:0A000410:SSL routines::sslv3 alert handshake failure",
        ),
        ((1, "Received HTTP/0.9 when not allowed"), 28, "SSL connection timeout"),
        ((52, "Empty reply from server"), 35, "error:0A00010B:SSL routines::wrong version number"),
        ((52, "Empty reply from server"), 35, "Recv failure: Connection reset by peer"),
        ((52, "Empty reply from server"), 56, "tlsv13 alert certificate required"),
    ],
)
def test_what_may_want_a_client_certificate_is_not_taken_for_another_protocol(
    recorded, answer, reason, plain, code, said
):
    assert reason(both, recorded, failed(answer, *plain), failed(answer, code, said))
