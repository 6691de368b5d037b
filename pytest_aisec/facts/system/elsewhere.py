"""Search the whole host, within bounds, for what a control did not find where it looks by default."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_aisec.catalog.context import is_declared
from pytest_aisec.facts.core.formats import reads
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["DEPTH", "elsewhere", "read_search"]

DEPTH = 6
"""Levels below `/` that are searched."""
_SECONDS = 15
_MOST = 60
_SHOWN = 4
_LATE = {"124", "143"}
"""What `timeout` ends with."""

_PRUNED = (
    "/proc", "/sys", "/dev", "/run", "/boot", "/usr", "/bin", "/sbin", "/lib*", "/snap", "/etc/alternatives",
    "/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/dpkg",
    "/var/lib/rpm", "/var/cache", "*/.git", "*/node_modules", "*/.cache/uv",
    "*/.cache/pip",
)  # fmt: skip
"""Of the system, of container engines, or too large: other controls look there, or nothing does."""
_INSTALLED = ("*/site-packages", "*/dist-packages", "*/__pycache__")

_ML = (
    r"(py)?torch|tensorflow|transformers|jax|vllm|safetensors|accelerate|datasets|keras|diffusers|onnxruntime"
)
_FILES: Mapping[str, tuple[str, ...]] = {
    "weights": (
        "*.safetensors", "*.gguf", "*.ggml", "*.pt", "*.ckpt", "*.onnx", "*.keras", "*.h5", "*.pkl",
        "*.pickle", "*.joblib", "*.nemo", "*.mar", "*.tflite", "*.llamafile", "*model*.bin", "consolidated.*",
    ),
    "data": (
        "*.parquet", "*.arrow", "*.feather", "*.tfrecord", "*.tfrecords", "*.mds", "*.beton", "*.zarr",
        "train*.csv", "train*.json*", "train*.npy", "train*.tar",
    ),
    "environments": ("pyvenv.cfg", "conda-meta", "site-packages", "dist-packages"),
    "projects": (
        "requirements*.txt", "requirements*.in", "constraints*.txt", "pyproject.toml", "setup.py",
        "setup.cfg", "Pipfile", "Pipfile.lock", "environment*.y*ml", "pixi.toml", "pixi.lock", "uv.lock",
        "poetry.lock", "pdm.lock", "pylock*.toml", "conda-lock.y*ml", "Dockerfile*", "Containerfile*",
        "*.ipynb",
    ),
}  # fmt: skip
_OTHERS: Mapping[str, str] = {
    "weights": " -o -name '*.pth' -size +16k",  # smaller ones are Python's own, of paths
    "data": "".join(
        f" -o -name '*.jsonl*' -path '*{word}*' -o -name '*.csv' -path '*{word}*'"
        for word in ("train", "dataset", "corpus", "/data/")
    ),
}
_ARE: Mapping[str, str] = {
    "weights": "what looks like models",
    "data": "what looks like training data",
    "environments": "Python environments",
    "projects": "projects that name ML libraries",
}
_ASKS = (
    rf"""^ *("|'|- *)?({_ML})([^a-z]|$)|["' ]({_ML}) *([]"'=<>~!;,[]|$)|"""
    rf"(pip|uv|conda|mamba|import|from) .*({_ML})"
)
"""Lines by which a file asks for a library: also those of Dockerfiles and notebooks."""
_ASKS_IN_SCRIPT = rf"""^#.*["']({_ML})([^a-z]|$)"""
"""The same in what PEP 723 puts into a script."""


def _command(kind: str) -> tuple[str, tuple[str, ...]]:
    pruned = _PRUNED if kind == "environments" else (*_PRUNED, *_INSTALLED)
    skipping = " -o ".join(f"-path '{path}'" for path in pruned)
    named = " -o ".join(f"-name '{name}'" for name in _FILES[kind]) + _OTHERS.get(kind, "")
    looking, arguments = f"\\( {named} \\) -print", tuple[str, ...]()
    if kind == "projects":
        looking = (
            f"-type f -size -2048k \\( \\( {named} \\) -exec grep -liE -e %s -- {{}} + "
            "-o -name '*.py' -exec grep -lE -e %s -- {} + \\)"
        )
        arguments = (_ASKS, _ASKS_IN_SCRIPT)
    searching = f"$t find / -maxdepth {DEPTH} \\( {skipping} \\) -prune -o {looking} 2>/dev/null"
    within = f"t=; command -v timeout > /dev/null && t='timeout {_SECONDS}'"
    return f'{within}; {{ {searching}; echo "=$?"; }} | head -n {_MOST}', arguments


def elsewhere(host: Host, kind: str, parameter: str, known: Sequence[str]) -> tuple[str, str]:
    """Return where on the host such things lie that are not in the places known, and how far was looked.

    Both are for people; the first is empty where nothing was found. Asks nothing where somebody has declared
    the places: what is not in them is then absent.

    Args:
        host: the host to search.
        kind: `weights`, `data`, `environments` or `projects`.
        parameter: the name of the parameter that declares places.
        known: the directories that the control looks into.

    Raises:
        Unobservable: when the search did not run.

    """
    if is_declared(parameter):
        return "", ""
    command, arguments = _command(kind)
    paths, is_whole = read_search(host.run(command, *arguments).stdout)
    inside = [place.rstrip("/") + "/" for place in known]
    places = dict.fromkeys(posixpath.dirname(path) for path in paths if not path.startswith(tuple(inside)))
    extent = f"{DEPTH} levels deep" if is_whole else f"for {_SECONDS} seconds"
    if not places:
        return "", f", nor {_ARE[kind]} elsewhere (searched / {extent})"
    shown = ", ".join(list(places)[:_SHOWN]) + (" and elsewhere" if len(places) > _SHOWN else "")
    return f"{_ARE[kind]} found in {shown}: declare it ({parameter})", ""


@reads
def read_search(text: str) -> tuple[list[str], bool]:
    """Read what was found, and whether the search came to its end.

    Raises:
        Unobservable: `tool_missing` or `unreadable`, when it did not run.

    """
    *paths, last = text.splitlines() or [""]
    status = last.removeprefix("=") if last.startswith("=") else None
    if status in {"126", "127"}:
        raise Unobservable("tool_missing", "find")
    if status is None:
        if not last.startswith("/"):
            raise Unobservable("unreadable", "the search of the host ended without saying how")
        return [*paths, last], False
    return [path for path in paths if path.startswith("/")], status not in _LATE
