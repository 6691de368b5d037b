"""Real servers of models, each with a tiny model that is made on the spot, as far as they are installed."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

XLLAMACPP = """
import signal, sys, xllamacpp
settings = xllamacpp.CommonParams()
settings.model.path, settings.port, settings.n_ctx = sys.argv[1], int(sys.argv[2]), 2048
settings.cpuparams.n_threads = 1
server = xllamacpp.Server(settings)
signal.pause()
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A program that serves a model."""

    modules: tuple[str, ...]
    """What has to be there for it to be installed."""
    file: str
    """What its model is called: a directory, or a file of GGUF."""
    command: Callable[[str, str, str], list[str]]
    """Python, model and port → how it is started."""


SERVERS = {
    "mlx-lm": Server(
        modules=("mlx_lm", "mlx"),
        file="model",
        command=lambda python, model, port: [python, "-m", "mlx_lm.server", "--model", model, "--port", port],
    ),
    "transformers": Server(
        modules=("transformers", "torch", "fastapi", "uvicorn"),
        file="model",
        command=lambda python, model, port: [
            *(str(Path(python).with_name("transformers")), "serve"),
            *("--host", "127.0.0.1", "--port", port, model),
        ],
    ),
    "llama-cpp-python": Server(
        modules=("llama_cpp", "fastapi", "uvicorn"),
        file="model.gguf",
        command=lambda python, model, port: [
            *(python, "-m", "llama_cpp.server", "--model", model, "--port", port),
            *("--n_ctx", "2048", "--n_threads", "1"),
        ],
    ),
    "llama.cpp (xllamacpp)": Server(
        modules=("xllamacpp",),
        file="model.gguf",
        command=lambda python, model, port: [python, "-c", XLLAMACPP, model, port],
    ),
}


def is_installed(server: Server, python: str) -> bool:
    """Whether a Python has what the server and its model need."""
    needed = ("gguf" if server.file.endswith(".gguf") else "safetensors", *server.modules)
    if python == sys.executable:
        return all(find_spec(one) for one in needed)
    find = f"import importlib.util as u; raise SystemExit(not all(map(u.find_spec, {needed!r})))"
    return subprocess.run([python, "-c", find], check=False).returncode == 0


def make(place: Path, seed: int, python: str) -> Path:
    """Make a tiny model."""
    subprocess.run([python, Path(__file__).with_name("tiny.py"), place, str(seed)], check=True)
    return place


def free_port() -> int:
    """A port at which nobody listens now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def served(server: Server, model: Path, home: Path, python: str) -> Iterator[str]:
    """Serve a model; gives the base of the API."""
    (home / "hub").mkdir(exist_ok=True, parents=True)
    port = free_port()
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with running(
        server.command(python, str(model), str(port)), port=port, environment={**os.environ, **offline}
    ) as base:
        yield base


@contextmanager
def running(command: list[str], *, port: int, environment: dict[str, str] | None = None) -> Iterator[str]:
    """Run a server until the end; gives the base of its API once it lists its models."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        base, until = f"http://127.0.0.1:{port}/v1", time.monotonic() + 180
        while True:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server does not answer"
            try:
                urllib.request.urlopen(f"{base}/models", timeout=5).close()
                break
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.2)
        yield base
    finally:
        process.kill()
        process.wait()
