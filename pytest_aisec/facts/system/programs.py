"""Program of a process, behind interpreters and wrappers, and its options."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pytest_aisec.facts.system.processes import Process

__all__ = ["FILES", "INFERENCE", "PROXIES", "kind_of", "options_of", "program_of", "runs_itself", "script_of"]

INFERENCE = frozenset(
    {
        "aphrodite",
        "bentoml",
        "fastchat",
        "infinity",
        "koboldcpp",
        "litellm",
        "llama.cpp",
        "llamafile",
        "lmdeploy",
        "lmstudio",
        "localai",
        "mistral.rs",
        "mlc-llm",
        "mlx-lm",
        "mlserver",
        "mlflow-models",
        "ollama",
        "ray-serve",
        "sglang",
        "tei",
        "tgi",
        "torchserve",
        "transformers",
        "triton",
        "trtllm",
        "vllm",
        "xinference",
    }
)
"""Kinds that answer requests with a model."""

PROXIES = frozenset({"apache", "caddy", "envoy", "haproxy", "kong", "nginx", "traefik"})
"""Kinds that may stand before another service."""
FILES: Mapping[str, str] = {
    "apache": r"apache2|httpd",
    "caddy": r"caddy",
    "envoy": r"envoy",
    "grafana": r"grafana(-server)?",
    "haproxy": r"haproxy",
    "kong": r"kong|nginx|resty",
    "nginx": r"nginx|openresty|angie",
    "prometheus": r"prometheus",
    "traefik": r"traefik",
}
"""How the file is called of what is a program of its own, and no script: by kind."""
_SERVED_BY = r"(-m )?(uvicorn|gunicorn|hypercorn|granian|waitress-serve)\b.*\b"
_KINDS: tuple[tuple[str, str], ...] = (
    ("jupyter", r"jupyter(-(lab|notebook|server|nbclassic|labhub|kernelgateway|voila))\b"),
    ("jupyter", r"jupyter (-\S+ )*(lab|notebook|server|nbclassic|labhub|kernelgateway|voila)( |$)"),
    ("jupyter", r"(jupyterhub-singleuser|jupyverse|ipython notebook)\b"),
    ("jupyter", r"-m (jupyterlab|notebook|jupyter_server|nbclassic|jupyterlab\.labhubapp|kernel_gateway)\b"),
    ("jupyter", r"-m jupyter (-\S+ )*(lab|notebook|server|nbclassic)( |$)"),
    (
        "mlflow-models",
        r"(-m )?mlflow(\.cli)? models serve\b|" + _SERVED_BY + r"mlflow\.pyfunc\.scoring_server\b",
    ),
    ("mlflow", r"(-m )?mlflow(\.cli)? (-\S+ )*(server|ui)( |$)|" + _SERVED_BY + r"mlflow\.server\b"),
    ("tensorboard", r"(tensorboard|-m tensorboard(\.main)?|-m tensorboard\.\S+)( |$)"),
    ("aim", r"aim (up|server)\b"),
    ("prometheus", r"prometheus( |$)"),
    ("grafana", r"grafana(-server)?( server)?( |$)"),
    ("prefect", r"prefect (server|orion) start\b|" + _SERVED_BY + r"prefect\.server\b"),
    ("airflow", r"airflow (webserver|api-server|standalone)\b|" + _SERVED_BY + r"airflow\.\S"),
    (
        "ray",
        r"(gcs_server|raylet)( |$)|\S*/ray/(dashboard/(dashboard|agent)|autoscaler/_private/monitor)\.py\b",
    ),
    ("ray", r"-m ray\.util\.client\.server\b|ray::(DashboardAgent|RuntimeEnvAgent|IDLE)\b"),
    ("ray", r"ray start\b|-m ray\.scripts\.scripts start\b"),
    ("ray-serve", r"serve run\b|-m ray\.serve\b|ray::(ProxyActor|HTTPProxyActor|SERVE_)"),
    ("ollama", r"ollama(-[a-z0-9-]+)? (serve|start|runner)\b|ollama_llama_server\b"),
    ("lmstudio", r"(lms server|lm-?studio)\b|LM[ -]Studio"),
    ("llama.cpp", r"(llama-server|llama_server)(\.\S+)?( |$)|-m llama_cpp\.server\b"),
    ("llamafile", r"\S+\.llamafile( |$)|llamafile( |$)"),
    ("koboldcpp", r"koboldcpp\S*( |$)"),
    ("localai", r"local-?ai( |$)"),
    ("jan", r"(cortex(-server)?|jan)( |$)"),
    (
        "vllm",
        r"vllm serve\b|-m vllm\.(entrypoints\.\S*api_server|entrypoints\.cli\S*)\b|"
        + _SERVED_BY
        + r"vllm\.\S|VLLM::",
    ),
    ("sglang", r"-m sglang\.(launch_server|srt)\b|sglang serve\b|sglang::|-m sglang_router\b"),
    ("aphrodite", r"aphrodite (run|serve)\b|-m aphrodite\.\S*api_server\b"),
    ("tgi", r"text-generation-(launcher|router)\b"),
    ("tei", r"text-embeddings-router\b"),
    ("infinity", r"infinity_emb\b"),
    ("litellm", r"litellm( |$)|-m litellm\b|" + _SERVED_BY + r"litellm\.proxy\b"),
    ("transformers", r"transformers serve\b"),
    ("mlx-lm", r"mlx_lm\.server\b|-m mlx_lm(\.server\b| server\b)"),
    ("mlc-llm", r"(-m )?mlc_llm serve\b"),
    ("mistral.rs", r"mistralrs(-server\b| serve\b)"),
    ("trtllm", r"trtllm-serve\b"),
    ("triton", r"tritonserver( |$)"),
    ("torchserve", r"torchserve\b|java .*\borg\.pytorch\.serve\.ModelServer\b"),
    ("lmdeploy", r"lmdeploy serve\b|-m lmdeploy serve\b"),
    ("fastchat", r"-m fastchat\.serve\b"),
    ("bentoml", r"bentoml serve\b|-m bentoml serve\b"),
    ("mlserver", r"mlserver start\b"),
    ("xinference", r"xinference(-local|-supervisor|-worker)?( |$)"),
    ("nginx", r"nginx(:| |$)"),
    ("apache", r"(apache2|httpd)( |$)"),
    ("haproxy", r"haproxy( |$)"),
    ("envoy", r"envoy( |$)"),
    ("caddy", r"caddy (run|start|reverse-proxy|file-server)\b"),
    ("traefik", r"traefik( |$)"),
    ("kong", r"kong( |$)"),
)
_MATCHERS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_PYTHON = re.compile(r"(python|pypy)[0-9.]*")
_WRAPPERS = re.compile(
    r"(?:ba|da|z)?sh|env|sudo|doas|nohup|setsid|nice|ionice|chrt|taskset|numactl|stdbuf|timeout|time|tini|"
    r"dumb-init|catatonit|uvx?|poetry|pdm|hatch|conda|(?:micro)?mamba|pixi|ld-linux\S*|ld\.so|node|gosu|"
    r"su-exec|runuser|setpriv|unshare|systemd-run|systemd-inhibit|gunicorn|uvicorn|hypercorn|granian|"
    r"waitress-serve|accelerate|mpirun|torchrun|java"
)
_SEEN = 12
"""Arguments of a wrapper among which the program that it started is looked for."""


def options_of(arguments: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return long options by name, without dashes and with `-` for `_`; an option without a value has `""`.

    A word after an option is taken for its value unless it begins with a dash. Short options keep their name.
    """
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for argument in arguments:
        if re.match(r"--?[A-Za-z]", argument):
            option, equals, value = argument.lstrip("-").partition("=")
            name = option.replace("_", "-")
            found[name] = (*found.get(name, ()), value if equals else "")
            name = "" if equals else name
        elif name:
            found[name] = (*found[name][:-1], argument)
            name = ""
    return found


def program_of(arguments: tuple[str, ...]) -> list[str]:
    """Return the command lines that a process may really be running, behind interpreters and wrappers.

    Each is a program without its directory and its arguments, joined by blanks; `-m MODULE` for modules.
    """
    if not arguments:
        return []
    first = posixpath.basename(arguments[0]).strip()
    starts = [0]
    if _PYTHON.fullmatch(first):
        starts = [_script(arguments)]
    elif _WRAPPERS.fullmatch(first):
        starts = list(range(min(len(arguments), _SEEN)))
    found = []
    for start in starts:
        words = arguments[start:]
        if not words:
            continue
        if words[0] == "-m" or (words[0].startswith("-m") and len(words[0]) > 2 and first != words[0]):
            found.append(" ".join(["-m", *([words[0][2:]] if words[0] != "-m" else []), *words[1:]]))
        else:
            found.append(" ".join([posixpath.basename(words[0]), *words[1:]]))
            found.append(" ".join(words))
            if start and _PYTHON.fullmatch(posixpath.basename(words[0])):
                found += program_of(words)
    return found


def _script(arguments: tuple[str, ...]) -> int:
    """Return where Python's own arguments end: at its script or at `-m`."""
    position = 1
    while position < len(arguments):
        word = arguments[position]
        if not word.startswith("-") or word.startswith("-m") or re.fullmatch(r"-[A-Za-z]*m", word):
            return position
        if re.fullmatch(r"-[A-Za-z]*c", word):
            return len(arguments)
        position += 2 if word in {"-W", "-X", "--check-hash-based-pycs"} else 1
    return position


def script_of(arguments: tuple[str, ...]) -> str:
    """Return the absolute path of the script that Python's arguments name; empty for modules and `-c`."""
    if not arguments or not _PYTHON.fullmatch(posixpath.basename(arguments[0])):
        return ""
    script = "".join(arguments[_script(arguments) :][:1])
    return script if script.startswith("/") else ""


def runs_itself(arguments: tuple[str, ...], program: str) -> bool:
    """Tell whether arguments name the file that runs, and it is neither interpreter nor wrapper."""
    first = posixpath.basename(arguments[0]).strip() if arguments else ""
    return first == program and not (_PYTHON.fullmatch(first) or _WRAPPERS.fullmatch(first))


@lru_cache(maxsize=4096)
def kind_of(process: Process) -> str:
    """Return the kind of service that a process is; empty when it is none that is known."""
    candidates = program_of(process.arguments)
    for kind, matcher in _MATCHERS:
        if any(matcher.match(candidate) for candidate in candidates):
            return kind
    return ""
