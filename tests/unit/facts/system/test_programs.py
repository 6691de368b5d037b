import pytest

from pytest_aisec.facts.system.processes import Process
from pytest_aisec.facts.system.programs import kind_of, options_of


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("vllm", "/usr/bin/python3 /opt/v/bin/vllm serve tiny --host 0.0.0.0"),
        ("vllm", "python -m vllm.entrypoints.openai.api_server --model x"),
        ("vllm", "VLLM::EngineCore"),
        ("sglang", "/opt/conda/bin/python3.11 -X dev -m sglang.launch_server --port 30000"),
        ("jupyter", "/opt/conda/bin/python3.11 /opt/conda/bin/jupyter-lab --ip=0.0.0.0"),
        ("jupyter", "python3 -m jupyter_server --port=1"),
        ("jupyter", "/usr/bin/python3 /usr/bin/jupyter --debug notebook"),
        ("ollama", "/usr/local/bin/ollama serve"),
        ("ollama", "sudo -u ollama /usr/local/bin/ollama serve"),
        ("llama.cpp", "./build/bin/llama-server -m m.gguf --host 0.0.0.0"),
        ("mlflow", "/usr/bin/python3 -m uvicorn --host 0.0.0.0 mlflow.server.fastapi_app:app"),
        ("mlflow", "/v/bin/python /v/bin/gunicorn -b 0.0.0.0:5000 -w 4 mlflow.server:app"),
        ("ray", "/usr/bin/python3 -u /v/site-packages/ray/dashboard/dashboard.py --host=127.0.0.1"),
        ("ray", "/v/site-packages/ray/core/src/ray/raylet/raylet --raylet_socket_name=x"),
        ("ray", "/usr/bin/python3 -u /v/site-packages/ray/autoscaler/_private/monitor.py --logs-dir=x"),
        ("ray", "/usr/bin/python3 -m ray.scripts.scripts start --head"),
        ("ray", "ray::DashboardAgent"),
        ("ray", "ray::IDLE"),
        ("ray-serve", "ray::ProxyActor"),
        ("", "ray::train_on_my_data"),
        ("nginx", "nginx: master process /usr/sbin/nginx -c /etc/nginx/x.conf"),
        ("tensorboard", "/v/bin/python /v/bin/tensorboard --logdir x"),
        ("", "vim jupyter_server_config.py"),
        ("", "grep jupyter-lab notes"),
        ("", "/usr/bin/python3 /usr/bin/jupyter nbconvert notebook.ipynb"),
        ("", "/usr/bin/python3 -m ipykernel_launcher -f kernel.json"),
        ("", "ollama run tiny"),
        ("", "tail -f /var/log/vllm.entrypoints.log"),
        ("", "/usr/bin/python3 -c pass jupyter-lab"),
        ("", ""),
    ],
)
def test_a_service_is_known_by_its_program(kind, arguments):
    process = Process(pid=1, name="x", arguments=tuple(arguments.split()), core_limit="")
    assert kind == kind_of(process)


def test_options():
    words = [
        "serve",
        "tiny",
        "--max_logprobs",
        "-1",
        "--host=::",
        "--flag",
        "--key",
        "",
        "--host",
        "b",
        "-m",
        "x",
    ]
    expected = {"max-logprobs": ("-1",), "host": ("::", "b"), "flag": ("",), "key": ("",), "m": ("x",)}
    assert expected == options_of(words)
