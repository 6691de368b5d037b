import pytest

from pytest_aisec.facts.model.servers import at_port, identify, servers_at, tokens


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


def test_who_only_says_that_it_is_there_hides_nobody():
    """Before: a fake with the port among its arguments was all that was judged."""
    lines = ("vllm serve fake --port 8000", "vllm serve b --port=8001", "vllm serve c")
    servers = [identify(number, line.split()) for number, line in enumerate(lines)]

    def judged(*doubted, among=servers):
        return [server.words[-1] for server in at_port(among, 8000, doubted=doubted)]

    assert ["fake", "c"] == judged(0)
    assert ["fake", "b", "c"] == judged(0, 2)
    assert ["fake", "b"] == judged(0, among=servers[:2])
    assert ["fake"] == judged(2)


@pytest.mark.parametrize(
    ("uid", "pid", "expected"), [(1000, 9, ["a", "b"]), (1000, 7, ["a"]), (998, 9, ["a", "b"]), (0, 9, ["a"])]
)
def test_root_and_who_listens_there_are_believed(recorded, uid, pid, expected):
    status = "".join(f"/proc/7/status:{key}:\t{uid}\t{uid}\t{uid}\t{uid}\n" for key in ("Uid", "Gid"))
    lines = {7: "vllm serve a --port 8000", 8: "vllm serve b", 1: "init"}
    titles = "".join(f"/proc/{at}/cmdline:{word}\0" for at, line in lines.items() for word in line.split())
    host = recorded(
        {
            "/comm": "".join(f"/proc/{at}/comm:x\n" for at in lines),
            "/limits": "/proc/1/limits:Max core file size   0   unlimited   bytes\n",
            "cmdline": titles,
            "ss -tunap": "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
            f'tcp LISTEN 0 5 0.0.0.0:8000 0.0.0.0:* users:(("x",pid={pid},fd=3))\n',
            "^(Uid": status + status.replace("/7/", "/8/"),
        }
    )
    host.backend = None
    assert expected == [server.words[-1] for server in servers_at(host, 8000)]


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
