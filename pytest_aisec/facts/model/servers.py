"""Processes that serve models, and what their arguments say about the model and its limits."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.together import ahead
from pytest_aisec.facts.system.processes import processes
from pytest_aisec.facts.system.rights import owners
from pytest_aisec.facts.system.sockets import socket_table

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["ModelServer", "at_port", "identify", "model_servers", "servers_at", "tokens"]

_PROGRAMS: Mapping[str, tuple[str, ...]] = {
    # name of the program → words of which one must follow; none: whatever follows
    "vllm": ("serve",),
    "sglang": ("serve",),
    "aphrodite": ("run", "serve"),
    "lmdeploy": ("serve",),
    "mlc_llm": ("serve",),
    "mistralrs": ("serve",),
    "ollama": ("serve", "runner"),
    "transformers": ("serve",),
    "tabby": ("serve",),
    "xinference": ("launch",),
    "xinference-local": (),
    "xinference-worker": (),
    "local-ai": (),
    "llama-server": (),
    "llama-box": (),
    "llamafile": (),
    "koboldcpp": (),
    "mistralrs-server": (),
    "text-generation-launcher": (),
    "text-generation-router": (),
    "text-generation-server": (),
    "text-embeddings-router": (),
    "tritonserver": (),
    "trtllm-serve": (),
    "mlx_lm.server": (),
    "litellm": (),
}
_MODULES = (
    "vllm.entrypoints.openai.api_server",
    "vllm.entrypoints.api_server",
    "sglang.launch_server",
    "llama_cpp.server",
    "lmdeploy.serve",
    "mlc_llm",
    "mlx_lm.server",
    "mlx_lm",
    "aphrodite.endpoints.openai.api_server",
    "fastchat.serve.openai_api_server",
    "fastchat.serve.model_worker",
    "tabbyapi",
    "litellm",
)
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*|env|bash|sh|dash|tini|dumb-init|uv|node")
_MODEL_OPTIONS = ("--model", "-m", "--model-path", "--model-id", "--model-repository", "--hf-repo", "-hf")
_CONTEXT_OPTIONS = (
    "--max-model-len",
    "--context-length",
    "--ctx-size",
    "-c",
    "--n-ctx",
    "--max-input-tokens",
    "--max-input-length",
    "--max-total-tokens",
    "--session-len",
    "--max-seq-len",
    "--max-seq-len-to-capture",
)


@dataclass(frozen=True, kw_only=True)
class ModelServer:
    """One process that serves a model."""

    pid: int
    program: str
    """Such as `vllm` or `llama-server`."""
    options: Mapping[str, str]
    """Options with their values, as in the arguments; underscores in names are hyphens, no value is empty."""
    words: tuple[str, ...]
    """Arguments that are no options, after the program."""

    @property
    def models(self) -> tuple[str, ...]:
        """Models that the arguments name, by name or path."""
        named = [self.options[name] for name in _MODEL_OPTIONS if self.options.get(name)]
        if self.program in {"vllm", "transformers", "aphrodite", "trtllm-serve", "mlc_llm"}:
            named += [word for word in self.words if word not in {"serve", "run"}][:1]
        return tuple(dict.fromkeys(named))

    @property
    def port(self) -> int | None:
        """The port that the arguments set; `None` where they set none."""
        value = self.options.get("--port", "")
        return int(value) if re.fullmatch(r"\d{1,5}", value) else None

    @property
    def contexts(self) -> Mapping[str, int]:
        """Options that set how many tokens a request may have; 0 is the model's own limit."""
        found = {name: tokens(self.options[name]) for name in _CONTEXT_OPTIONS if name in self.options}
        return {name: value for name, value in found.items() if value is not None}


def tokens(text: str) -> int | None:
    """Return a number of tokens as servers write it: `4096`, `32k` (thousands), `32K` (1024); else `None`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)", text.strip())
    if match is None:
        return None
    unit = {"": 1, "k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20, "g": 10**9, "G": 2**30}[match[2]]
    return int(float(match[1]) * unit)


def _start(arguments: Sequence[str]) -> tuple[str, int] | None:
    """Return the name of a server and where its own arguments begin."""
    for index, argument in enumerate(arguments[:6]):
        name = posixpath.basename(argument)
        if argument == "-m" and index + 1 < len(arguments):
            module = arguments[index + 1]
            if any(module == known or module.startswith(f"{known}.") for known in _MODULES):
                return module.partition(".")[0], index + 2
            return None
        if name.removesuffix(".py") in _PROGRAMS:
            name = name.removesuffix(".py")
            following = _PROGRAMS[name]
            if not following or any(word in following for word in arguments[index + 1 : index + 4]):
                return name, index + 1
            return None
        if not argument.startswith("-") and not _INTERPRETER.fullmatch(name):
            return None
    return None


def identify(pid: int, arguments: Sequence[str]) -> ModelServer | None:
    """Return what serves models, by its arguments; `None` for any other process."""
    start = _start(arguments)
    if start is None:
        return None
    program, index = start
    options: dict[str, str] = {}
    words: list[str] = []
    rest = deque(arguments[index:])
    while rest:
        argument = rest.popleft()
        if not re.match(r"--?[A-Za-z]", argument):
            words.append(argument)
            continue
        name, equals, value = argument.partition("=")
        if name.startswith("--"):
            name = name.replace("_", "-")
        if not equals and rest and not re.match(r"--?[A-Za-z]", rest[0]):
            value = rest.popleft()
        options[name] = value
    return ModelServer(pid=pid, program=program, options=options, words=tuple(words))


def at_port(
    servers: Sequence[ModelServer], port: int, *, doubted: Collection[int] = ()
) -> tuple[ModelServer, ...]:
    """Return the servers at `port`; those of no known port where none is, and all where all are elsewhere.

    A container may publish a port under another number, so another port alone excludes nobody. Nor do
    processes that are `doubted`: they say so, and it does not show that they are there.
    """
    there = [server for server in servers if server.port == port]
    if any(server.pid not in doubted for server in there):
        return tuple(there)
    others = [server for server in servers if server.port is None and server.pid not in doubted] or servers
    return (*there, *(server for server in others if server not in there))


def model_servers(host: Host) -> tuple[ModelServer, ...]:
    """Return the processes that are known to serve models, in containers too.

    Raises:
        Unobservable: `privilege` where only the asking user's own processes are shown.

    """
    found = [identify(process.pid, process.arguments) for process in processes(host)]
    return tuple(server for server in found if server is not None)


def servers_at(host: Host, port: int) -> tuple[ModelServer, ...]:
    """Return the processes that may serve a model at `port`; see `at_port`.

    Who is not root and listens nowhere at this port may call itself what it likes.

    Raises:
        Unobservable: as `model_servers`, or when it is not shown whose processes these are.

    """
    ahead(partial(model_servers, host), partial(owners, host), partial(socket_table, host))
    servers = model_servers(host)
    if servers == servers[:1]:
        return servers
    rights = owners(host)
    there = {pid for one in socket_table(host).listeners if one.local_port == port for pid in one.pids}
    of_others = {one.pid for one in servers if one.pid not in rights or rights[one.pid].uid != 0}
    return at_port(servers, port, doubted=of_others - there)
