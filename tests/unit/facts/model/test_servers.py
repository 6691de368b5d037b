import pytest

from pytest_aisec.facts.model.servers import at_port, identify, tokens


@pytest.mark.parametrize(
    ("program", "models", "line"),
    [
        ("vllm", ("Qwen/Qwen2",), "/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen2 --port 8000"),
        ("vllm", ("/srv/m",), "python3.11 -m vllm.entrypoints.openai.api_server --model /srv/m"),
        ("vllm", ("/srv/m",), "/opt/venv/bin/python -u -m vllm.entrypoints.api_server --model=/srv/m"),
        ("sglang", ("x/y",), "python3 -m sglang.launch_server --model-path x/y"),
        ("llama-server", ("/srv/a.gguf",), "/usr/local/bin/llama-server -m /srv/a.gguf -c 4096"),
        ("ollama", (), "/usr/local/bin/ollama serve"),
        ("ollama", ("/b",), "/usr/local/bin/ollama runner --model /b --ctx-size 8192"),
        ("text-generation-launcher", ("x/y",), "text-generation-launcher --model-id x/y"),
        ("tritonserver", ("/models",), "/opt/tritonserver/bin/tritonserver --model-repository=/models"),
        ("mlx_lm.server", ("/m",), "/usr/bin/python /venv/bin/mlx_lm.server --model /m"),
        ("mlx_lm", ("/m",), "python -m mlx_lm.server --model /m"),
        ("vllm", ("m",), "/usr/bin/tini -- vllm serve m"),
    ],
)
def test_known_servers(program, models, line):
    found = identify(7, line.split())
    assert (program, models) == (found.program, found.models)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "/usr/sbin/sshd -D",
        "vim /home/me/vllm",
        "vllm --version",
        "python3 -m http.server 8000",
        "python3 train.py --model vllm serve",
        "grep vllm serve",
        "ollama list",
    ],
)
def test_other_processes(line):
    assert identify(7, line.split()) is None


def test_whose_port_it_is():
    lines = ("vllm serve a --port 8000", "vllm serve b --port=8001", "vllm serve c")
    servers = [identify(number, line.split()) for number, line in enumerate(lines)]
    assert [("a",)] == [server.models for server in at_port(servers, 8000)]
    assert [("c",)] == [server.models for server in at_port(servers, 9000)]
    assert [("a",), ("b",)] == [server.models for server in at_port(servers[:2], 9000)]


def test_what_grants_context():
    line = "vllm serve m --max_model_len 32k --seed 1"
    assert {"--max-model-len": 32000} == identify(7, line.split()).contexts
    assert {"-c": 0} == identify(7, ["llama-server", "-m", "x", "-c", "0"]).contexts
    assert {} == identify(7, ["vllm", "serve", "m", "--max-model-len", "auto"]).contexts


@pytest.mark.parametrize(
    ("expected", "text"), [(4096, "4096"), (32000, "32k"), (32768, "32K"), (None, "auto"), (None, "-1")]
)
def test_tokens(expected, text):
    assert expected == tokens(text)
