"""Code that may run when a model that brings it is loaded: `trust_remote_code` in processes and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.answers import check_search
from pytest_aisec.facts.core.formats import is_number, reads
from pytest_aisec.facts.core.together import outcomes
from pytest_aisec.facts.system.find_forms import lacks_xtype, mentions
from pytest_aisec.facts.system.processes import Process, helpers, processes
from pytest_aisec.facts.system.rights import Rights, given_text, owners, set_ids, with_rights
from pytest_aisec.facts.system.running_config import stale
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["ModelProcess", "RemoteCode", "Setting", "remote_code"]

_MODELS = re.compile(
    r"vllm|sglang|lmdeploy|text.generation|tgi|tritonserver|transformers|torch|deepspeed|accelerate|llama|ollama"
    r"|bentoml|mlserver|mlflow|ktransformers|huggingface|trl|axolotl|peft|lm.eval|tensorrt|exllama|aphrodite"
    r"|gradio|ray::|fastchat|infinity_emb|trust.remote|from_pretrained|[-=/]train",
    re.IGNORECASE,
)
"""What the command lines of programs that load models contain."""
_VARIABLES = "((HF|HF_HUB|VLLM|SGLANG)_)?TRUST[_]REMOTE[_]CODE"
"""A pattern that does not find itself on the command line of whoever searches."""
_OFF = r"(?:false|0|no|off|none|null|disabled?|n|f)"
_MENTION = re.compile(r"trust[_-]?remote[_-]?code", re.IGNORECASE)
_DECLARED = re.compile(r"[\"']?\s*+:\s*+(?:Optional\[)?bool\]?(?:\s*+\|\s*+None)?\s*+(?P<default>=\s*+\w+)?")
_GIVEN = re.compile(r"[\"']?\]?\s*+[:=]\s*+(?P<value>[\"']?[\w.$({-]+)")
_AFTER_FLAG = re.compile(
    r"[\"']?(?:\s*+[:=,]|\s)\s*+[\"']?(?P<value>true|1|yes|on|false|0|no|off)\b", re.IGNORECASE
)
_BEFORE, _BEHIND = 8, 300
"""Letters around a mention that can say what it means, with no blanks beside each other."""
_FLAG = "--trust-remote-code"
_MENTIONS_LIMIT = 4 * 1024 * 1024
_LARGEST_FILE = "1024k"
_SKIPPED = ("site-packages", "dist-packages", ".git", "node_modules", "overlay2", "overlay")
_DOCUMENTS = ("*.md", "*.rst", "*.html", "*.jsonl", "*.csv", "*.log", "*.ipynb")


@dataclass(frozen=True, kw_only=True)
class ModelProcess:
    """One process that serves or trains a model."""

    process: Process
    is_enabled: bool
    """Whether it may run code that comes with a model, by its arguments or environment."""
    is_refused: bool
    """Whether its arguments say that it may not, which holds whatever its file says."""
    model: str
    """As its arguments name it; empty where they do not."""
    revision: str
    code_revision: str

    @property
    def summary(self) -> str:
        """The beginning of its command line."""
        return " ".join(self.process.arguments)[:160]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of a configuration file that mentions the setting."""

    path: str
    line: int
    text: str
    is_enabled: bool


@dataclass(frozen=True, kw_only=True)
class RemoteCode:
    """Signs of remote code in processes and configuration."""

    processes: tuple[ModelProcess, ...]
    settings: tuple[Setting, ...]
    absent: tuple[str, ...]
    """Those of the directories asked for that are proved to be absent."""
    faults: tuple[Unobservable, ...]
    """Why there may be more."""


def remote_code(host: Host, directories: Sequence[str]) -> RemoteCode:
    """Return the model processes of the host, and the mentions of the setting in `directories`.

    Text files of up to 1 MiB are read; installed libraries and documents are not.
    """
    answers: list[object | Unobservable] = outcomes(
        [
            lambda: processes(host),
            lambda: _environments(host),
            lambda: _mentions(host, directories),
            lambda: owners(host),
            lambda: set_ids(host),
        ]
    )
    faults = [answer for answer in answers if isinstance(answer, Unobservable)]
    starters = frozenset[int]() if isinstance(answers[4], Unobservable) else set_ids(host)
    every = () if isinstance(answers[0], Unobservable) else processes(host)
    running = [process for process in every if process.pid not in starters]
    environments = _Environments() if isinstance(answers[1], Unobservable) else _environments(host)
    mentions = _Mentions() if isinstance(answers[2], Unobservable) else _mentions(host, directories)
    faults += mentions.faults
    models = [model_process(process, environments.values.get(process.pid, ())) for process in running]
    found = [item for item in models if item is not None]
    hidden = sorted({item.process.name for item in found if item.process.pid in environments.hidden})
    if hidden:
        faults.append(Unobservable("privilege", f"the environment of {', '.join(hidden)} may not be read"))
    settings = mentions.settings
    rights = {} if isinstance(answers[3], Unobservable) else owners(host)
    started = helpers(every)
    named = outcomes([_configuration(host, item, rights.get(item.process.pid), started) for item in found])
    for answer in named:
        if isinstance(answer, Unobservable):
            faults.append(answer)
        else:
            settings += answer.settings
            faults += answer.faults
    return RemoteCode(
        processes=tuple(found),
        settings=tuple(dict.fromkeys(settings)),
        absent=mentions.absent,
        faults=tuple(faults),
    )


def is_on(text: str) -> bool:
    """Tell whether a line of configuration or of code enables the setting.

    A value that the line alone does not tell, such as that of a variable, counts as enabling.
    """
    if "add_argument" in text or re.search(r"^\s*(#|//|;)", text):
        return False
    text = re.sub(r"\s+", " ", text)
    return any(
        _is_enabling(
            text[max(0, mention.start() - _BEFORE) : mention.start()],
            text[mention.end() : mention.end() + _BEHIND],
        )
        for mention in _MENTION.finditer(text)
    )


def _is_enabling(before: str, after: str) -> bool:
    if re.search(r"--?no[_-]$", before, re.IGNORECASE):
        return False
    if re.search(r"(^|[\s\"'=\[,])--$", before):
        given = _AFTER_FLAG.match(after)
        return given is None or not re.fullmatch(_OFF, given["value"].lower())
    declared = _DECLARED.match(after)
    if declared is not None:
        after = declared["default"] or ""
    given = _GIVEN.match(after)
    if given is None or _MENTION.search(given["value"]):
        return False
    return not re.fullmatch(_OFF, given["value"].strip("\"'").lower())


def model_process(process: Process, variables: Sequence[str]) -> ModelProcess | None:
    """Return what a process says about the setting; `None` when it has nothing to do with models.

    Args:
        process: any process.
        variables: values of environment variables for the setting.

    """
    text = " ".join(process.arguments)
    if not process.arguments or not (_MODELS.search(text) or _MODELS.search(process.name) or variables):
        return None
    is_enabled = any(not re.fullmatch(_OFF, value.strip().lower()) for value in variables if value.strip())
    options: dict[str, str] = {}
    last: bool | None = None
    for word, following in pairwise([*process.arguments, ""]):
        name, equals, glued = word.partition("=")
        plain = name.replace("_", "-").lower()
        value = glued if equals else following
        if len(plain) >= len("--trust") and _FLAG.startswith(plain):
            explicit = equals or re.fullmatch(rf"{_OFF}|true|1|yes|on", following.lower())
            last = not re.fullmatch(_OFF, value.strip("\"'").lower()) if explicit else True
        elif plain == "--no-trust-remote-code":
            last = False
        elif re.search(r"trust[_-]?remote[_-]?code", word, re.IGNORECASE):
            last = is_on(f"{word} {following}") or bool(last)
        elif plain in {"--model", "--model-path", "--model-id", "--revision", "--code-revision"}:
            options[plain] = value
    served = [word for before, word in pairwise(process.arguments) if before == "serve"]
    return ModelProcess(
        process=process,
        is_enabled=is_enabled or bool(last),
        is_refused=last is False,
        model=options.get("--model")
        or options.get("--model-path")
        or options.get("--model-id")
        or (served[0] if served and not served[0].startswith("-") else ""),
        revision=options.get("--revision", ""),
        code_revision=options.get("--code-revision", ""),
    )


@dataclass(frozen=True, kw_only=True)
class _Environments:
    values: dict[int, list[str]] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()


def _environments(host: Host) -> _Environments:
    """Return the values of the environment variables by process, and the processes that hide theirs."""
    answer = host.run(f"grep -azHE '^{_VARIABLES}=' /proc/[0-9]*/environ")
    check_search(answer.rc, answer.stdout)
    found: dict[int, list[str]] = {}
    hidden: set[int] = set()
    for item in answer.stdout.split("\0"):
        if match := re.fullmatch(r"\n*/proc/(\d+)/environ:[A-Z_]+=(.*)", item, re.DOTALL):
            found.setdefault(int(match[1]), []).append(match[2])
    for line in answer.stderr.splitlines():
        denied = re.search(r"/proc/(\d+)/environ: Permission denied", line)
        if denied:
            hidden.add(int(denied[1]))
        elif line.strip() and not re.search(r"No such (file or directory|process)", line):
            raise Unobservable("unreadable", line.strip())
    return _Environments(values=found, hidden=frozenset(hidden))


@dataclass(frozen=True, kw_only=True)
class _Mentions:
    settings: tuple[Setting, ...] = ()
    absent: tuple[str, ...] = ()
    faults: tuple[Unobservable, ...] = ()


_WANTED = "trust[_-]?remote[_-]?code"


def _mentions(host: Host, directories: Sequence[str]) -> _Mentions:
    if not directories:
        return _Mentions()
    places = " ".join(["%s"] * len(directories))
    pruned = " -o ".join(f"-name {name}" for name in _SKIPPED)
    documents = " ".join(f"! -name '{name}'" for name in _DOCUMENTS)

    def asked(is_file: str, search: str) -> str:
        return (
            "command -v grep >/dev/null || { echo 'grep: not found' >&2; exit 127; }; "
            f"{{ find -H {places} -type d \\( {pruned} \\) -prune -o {is_file} -size -{_LARGEST_FILE} "
            f'{documents} -exec {search} {{}} +; echo "end $?"; }} | head -c {_MENTIONS_LIMIT}'
        )

    answer = host.run(asked("-xtype f", f"grep -IinHZE '{_WANTED}' --"), *directories)
    if lacks_xtype(answer.stderr):
        is_file = "\\( -type f -o -type l -exec test -f {} \\; \\)"
        script = mentions("inE", of_text=True).replace("$p", "$0").replace("'", "'\\''")
        answer = host.run(asked(is_file, f"sh -c '{script}' '{_WANTED}'"), *directories)
    lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
    absent = [
        path
        for path in directories
        if any(
            line.endswith((f"'{path}': No such file or directory", f": {path}: No such file or directory"))
            for line in lines
        )
    ]
    lines = [line for line in lines if not line.endswith("No such file or directory")]
    text, _, end = answer.stdout.rpartition("end ")
    faults = []
    for line in lines:
        denied = line.endswith("Permission denied")
        missing = "not found" in line or "find: 'grep'" in line
        faults.append(
            Unobservable("tool_missing" if missing else "privilege" if denied else "unreadable", line)
        )
    if end.strip() in {"126", "127"}:
        raise Unobservable("tool_missing", lines[-1] if lines else "find")
    if not re.fullmatch(r"\d+\n", end):
        faults.append(Unobservable("truncated", "too many mentions of trust_remote_code to be read"))
    return _Mentions(settings=tuple(read_mentions(text)), absent=tuple(absent), faults=tuple(faults))


@reads
def read_mentions(text: str) -> Iterator[Setting]:
    """Read what `grep -nHZ` printed: file, NUL, number, colon, line."""
    if re.search(r"«redacted:(private-key|wandb):", text):
        raise Unobservable("parse", "a credential beside the setting hides what follows")
    for line in text.split("\n"):
        if not line:
            continue
        path, nul, rest = line.partition("\0")
        number, colon, content = rest.partition(":")
        if not nul or not colon or not is_number(number):
            raise Unobservable("parse", f"grep printed {line[:200]!r}")
        yield Setting(path=path, line=int(number), text=content.strip()[:200], is_enabled=is_on(content))


_NAMED = (
    'g "$1" | { grep -inHZE --label="$2" "trust[_-]?remote[_-]?code" || '
    '{ s=$?; test $s = 1 || echo "grep: exit status $s" >&2; }; }'
)


def _configuration(
    host: Host, item: ModelProcess, rights: Rights | None, started: Sequence[int]
) -> Callable[[], _Mentions]:
    """Return a call for the mentions in the files that a process takes its arguments from.

    A fault says where one is younger than the process, or than the oldest of its children in `started`.
    """
    process = item.process
    words = [*process.arguments, ""]
    names = [
        word.partition("=")[2] if "=" in word else following
        for word, following in pairwise(words)
        if word.partition("=")[0] in {"--config", "--config-file", "--config_file"}
    ]

    def ask() -> _Mentions:
        found: list[Setting] = []
        paths: list[str] = []
        for name in names:
            place = f"/proc/{process.pid}/{'root' if name.startswith('/') else 'cwd'}"
            path = name if name.startswith("/") else f"{place}/{name}"
            if rights is None:
                raise Unobservable("unreadable", f"{path} is named by a process that has ended")
            command = with_rights(rights, _NAMED, f"./{name.lstrip('/')}", path, root=place)
            found += read_mentions(given_text(host.run(*command), f"{path} as uid {rights.uid}"))
            paths.append(f"{place}/{name.lstrip('/')}")
        if not paths or item.is_refused:
            return _Mentions(settings=tuple(found))
        old = stale(host, process.pid, paths, what=process.name, children=started)
        return _Mentions(settings=tuple(found), faults=(old,) if old else ())

    return ask
