"""Answers of real servers with tiny random models, shortened."""

import pytest

from pytest_aisec.facts.model import answers, unnamed
from pytest_aisec.facts.model.answers import Usage, read_answer, read_usage, served_models
from pytest_aisec.facts.model.api import Endpoint, NoSuchRouteError, Reply
from pytest_aisec.observe.faults import Unobservable

MODELS = {
    "mlx-lm": '{"object": "list", "data": [{"id": "/m", "object": "model", "created": 1795961547}]}',
    "transformers": '{"object":"list","data":[{"owned_by":"local","id":"/m","object":"model","created":0,"status":{"value":"loaded"}}]}',
    "llama.cpp": '{"models":[{"name":"/m","model":"/m","size":""}],"object":"list","data":[{"id":"/m","aliases":["/m"],"owned_by":"llamacpp","meta":{"n_ctx":2048}}]}',
    "llama-cpp-python": '{"object":"list","data":[{"id":"/m","object":"model","owned_by":"me","permissions":[]}]}',
}
CHATS = {
    "mlx-lm": '{"id": "chatcmpl-8b", "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "paper paper"}}], "usage": {"prompt_tokens": 17, "completion_tokens": 8, "total_tokens": 25, "prompt_tokens_details": {"cached_tokens": 5}}}',
    "transformers": '{"id":"0ff5","choices":[{"finish_reason":"length","index":0,"message":{"content":"paper paper","role":"assistant"}}],"usage":{"completion_tokens":8,"prompt_tokens":17,"total_tokens":25}}',
    "llama.cpp": '{"choices":[{"finish_reason":"length","index":0,"message":{"role":"assistant","content":"paper paper"}}],"usage":{"completion_tokens":8,"prompt_tokens":17,"total_tokens":25},"timings":{"prompt_n":25}}',
}


def said(monkeypatch, body, status=200):
    reply = Reply(status=status, seconds=0.1, body=body)
    monkeypatch.setattr(answers, "send", lambda *_: [reply])
    return served_models(None, Endpoint(url="http://127.0.0.1:1/v1"))


@pytest.mark.parametrize("server", MODELS)
def test_every_server_lists_its_model(monkeypatch, server):
    assert ("/m",) == said(monkeypatch, MODELS[server])
    assert unnamed.LISTS == unnamed._listed(Reply(status=200, seconds=0.1, body=MODELS[server]))


@pytest.mark.parametrize("server", CHATS)
def test_every_server_answers_and_counts(server):
    reply = Reply(status=200, seconds=0.1, body=CHATS[server])
    assert ("paper paper", "length") == (read_answer(reply, "x").text, read_answer(reply, "x").finish)
    assert Usage(choices=1, prompt_tokens=17, completion_tokens=8, finish="length") == read_usage(reply, "x")


def test_mlx_breaks_off_its_list_before_it_has_a_cache(monkeypatch):
    with pytest.raises(Unobservable, match=r"/v1/models lists no model, so name one \(model\)"):
        said(monkeypatch, "")


@pytest.mark.parametrize(
    "body",
    [
        '{"error":{"code":400,"message":"request (16023 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":16023,"n_ctx":2048}}',
        '{"error":{"code":400,"message":"Field \'n\': Value must be between 1 <= value <= 1, but got 1000","type":"invalid_request_error"}}',
    ],
)
def test_what_llama_cpp_refuses_is_no_answer_of_its_model(body):
    with pytest.raises(Unobservable, match="HTTP 400") as caught:
        read_answer(Reply(status=400, seconds=0.1, body=body), "x")
    assert not isinstance(caught.value, NoSuchRouteError)
