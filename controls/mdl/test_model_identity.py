import posixpath
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_applicable, not_reviewed, raise_unless
from pytest_aisec.facts.model.answers import Answer, Prompt, chat, served_models
from pytest_aisec.facts.model.api import ApiUrl, Endpoint, place, printed
from pytest_aisec.facts.model.baseline import Baseline, agrees, read_baseline
from pytest_aisec.facts.model.servers import ModelServer, servers_at
from pytest_aisec.facts.model.unnamed import unserved

MIB = 1024 * 1024
DIGEST = 's=$(stat -L -c %%s -- %s) && if test "$s" -gt %s; then echo "large $s"; else sha256sum -- %s; fi'


def _declared_options(baseline: Baseline, servers: tuple[ModelServer, ...]) -> dict[str, str]:
    """Return what no serving process has as the baseline says, with what they have instead."""
    wrong = {}
    for name, value in baseline.options.items():
        values = sorted({server.options[name] for server in servers if name in server.options})
        if value not in values or len(values) > 1:
            wrong[f"option {name}"] = f"{', '.join(values) or 'not given'}, not {value}"
    return wrong


def _served_paths(servers: tuple[ModelServer, ...], paths: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return models that are served from elsewhere than `paths`, and the paths that no process names."""
    served = [name.rstrip("/") for server in servers for name in server.models]
    names = {posixpath.basename(part) for path in paths for part in (path, posixpath.dirname(path))}
    other = {
        f"served from {name}": "not among the approved weights"
        for name in served
        if name.startswith("/") and posixpath.basename(name) not in names
    }
    return other, [path for path in paths if not any(_is_of(path, name) for name in served)]


def _is_of(path: str, name: str) -> bool:
    """Tell whether `path` is the model that a process calls `name`: a file, a directory or a repository."""
    repository = f"/models--{name.replace('/', '--')}/" if name.count("/") == 1 else "\0"
    return path == name or path.startswith(f"{name}/") or repository in path


def _digests(host: Host, weights: dict[str, str], limit: int) -> tuple[dict[str, str], list[Unobservable]]:
    """Return the files that are not what was approved, and why others could not be read."""
    wrong: dict[str, str] = {}
    faults: list[Unobservable] = []
    outputs = printed(host, [(DIGEST, (path, str(limit), path)) for path in weights])
    for (path, digest), output in zip(weights.items(), outputs, strict=True):
        if isinstance(output, Unobservable):
            faults.append(output)
            continue
        text, _, problem = output.rpartition("\0")
        problem = problem.strip().partition("\n")[0]
        if problem.endswith("not found"):
            faults.append(Unobservable("tool_missing", problem))
        elif "ermission denied" in problem:
            faults.append(Unobservable("privilege", problem))
        elif problem.endswith(("No such file or directory", "Not a directory")):
            wrong[path] = "absent"
        elif problem:
            faults.append(Unobservable("unreadable", problem))
        elif text.startswith("large "):
            faults.append(
                Unobservable("timeout", f"{path} has {int(text[6:]) // MIB} MiB, more than hash_limit_mib")
            )
        elif len(text.lstrip("\\")) < 64:
            faults.append(Unobservable("parse", f"sha256sum {path}: {text!r}"))
        elif text.lstrip("\\")[:64] != digest:
            wrong[path] = f"sha256 {text.lstrip(chr(92))[:12]}…, not {digest[:12]}…"
    return wrong, faults


def _behaviour(
    host: Host, endpoint: Endpoint, baseline: Baseline, *, min_agreement: float, min_similarity: float
) -> tuple[dict[str, str], list[Unobservable]]:
    """Return how the golden answers differ, and why others are not known."""
    prompts = [
        Prompt(
            id=f"golden-{number}",
            messages=((("system", item.system),) if item.system else ()) + (("user", item.prompt),),
            max_tokens=baseline.max_tokens,
        )
        for number, item in enumerate(baseline.golden, 1)
    ]
    answers = chat(host, endpoint, prompts)
    other: dict[str, str] = {}
    models: set[str] = set()
    faults: list[Unobservable] = []
    for prompt, item, answer in zip(prompts, baseline.golden, answers, strict=True):
        if not isinstance(answer, Answer):
            faults.append(answer)
            continue
        if answer.model:
            models.add(answer.model)
        if not agrees(item.answer, answer.text, least=min_similarity):
            other[prompt.id] = f"{answer.text[:60]!r}, not {item.answer[:60]!r}"
    strange = sorted(models - {endpoint.model, *baseline.others})
    wrong = {"answers come from": ", ".join(strange)} if strange else {}
    share = 1 - len(other) / len(prompts)
    if share < min_agreement:
        wrong |= other
        wrong["golden answers"] = f"{share:.0%} agree, at least {min_agreement:.0%} must"
    return wrong, faults


@control(
    "AISEC-MDL-04",
    severity="high",
    objectives=["model_integrity", "adversarial_testing"],
    nist_800_53=["CM-3"],
    nist_ai_rmf=["MEASURE 2.4"],
    nist_ai_600_1=["MS-2.7-008"],
    atlas_mitigations=["AML.M0008"],
    atlas_techniques=["AML.T0018.000", "AML.T0031", "AML.T0043.004", "AML.T0109"],
    remediation=(
        "Serve the approved files again, with the options of {baseline}; or approve what is served: "
        "review it and write its id, digests and golden answers into {baseline}"
    ),
    remediation_is_words="which of the two is right, what is served or what was approved, is to be decided",
)
def test_served_model_matches_its_baseline(
    host: Host,
    *,
    model_endpoint: ApiUrl = "http://127.0.0.1:8000/v1",
    model_key_file: str = "",
    answer_timeout_s: Annotated[int, Field(ge=1, le=600)] = 25,
    baseline: str = "",
    min_agreement: Annotated[float, Field(gt=0, le=1)] = 0.95,
    min_similarity: Annotated[float, Field(gt=0, le=1)] = 0.8,
    hash_limit_mib: Annotated[int, Field(ge=1)] = 4096,
) -> None:
    """Served model identity and behaviour match the approved baseline.

    Who can exchange the weights, an adapter or the name decides what users are told. Arguments and files are
    compared without a request; the listed id and the golden answers need --aisec-active.
    """
    absent, elsewhere = unserved(host, model_endpoint, "model_endpoint", ask=is_active())
    if absent:
        not_applicable(absent, claims=["model_endpoint"], elsewhere=elsewhere)
    if not baseline:
        not_reviewed("no approved baseline is named (baseline)")
    approved = read_baseline(baseline)
    wrong: dict[str, str] = {}
    faults: list[Unobservable] = []
    if approved.options or approved.weights:
        servers = servers_at(host, place(model_endpoint)[1])
        wrong |= _declared_options(approved, servers)
        other, unnamed = _served_paths(servers, list(approved.weights)) if approved.weights else ({}, [])
        wrong |= other
        if unnamed and not other:
            faults.append(
                Unobservable("no_observation", f"no serving process names {', '.join(unnamed)} as its model")
            )
        digests, unread = _digests(host, approved.weights, hash_limit_mib * MIB)
        wrong |= digests
        faults += unread
    if not is_active():
        _judge(wrong, faults)
        not_reviewed("no argument or file contradicts the baseline; the rest takes requests: --aisec-active")
    endpoint = Endpoint(
        url=model_endpoint, key_file=model_key_file, timeout_s=answer_timeout_s, model=approved.model
    )
    try:
        listed = served_models(host, endpoint)
        if set(listed) - {approved.model, *approved.others} or approved.model not in listed:
            wrong["models listed"] = f"{', '.join(listed[:8])}, not {approved.model}"
        else:
            differs, unanswered = _behaviour(
                host, endpoint, approved, min_agreement=min_agreement, min_similarity=min_similarity
            )
            wrong |= differs
            faults += unanswered
    except Unobservable as fault:
        faults.append(fault)
    _judge(wrong, faults)


def _judge(wrong: dict[str, str], faults: list[Unobservable]) -> None:
    raise_unless(wrong, faults)
    assert wrong == {}
