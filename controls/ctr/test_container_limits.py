import re
from collections.abc import Iterator

from pytest_aisec import Host, control, not_applicable, raise_unless
from pytest_aisec.facts.containers.containers import containers
from pytest_aisec.facts.containers.inspection import Container
from pytest_aisec.observe.redaction.redact import MARK

_SECRET_KEY = re.compile(
    r"(?i)(^|[_.-])(password|passwd|pass|passphrase|secret|token|api_?key|access_?key|secret_?key|private_?key"
    r"|credentials?)$"
)
_NO_SECRET = re.compile(r"(?i)|/.*|true|false|yes|no|none|null|x+|\*+")
"""Values of such a variable that say where the secret is, or that there is none."""


def _unlimited(container: Container, *, memory: bool, pids: bool) -> Iterator[str]:
    if not container.has_cgroup and (memory or pids):
        yield "no cgroup, so no limit has an effect"
    if memory and container.memory <= 0:
        yield "no limit of memory"
    if pids and container.pids_limit <= 0:
        yield "no limit of processes"
    for key, value in container.environment.items():
        is_named = _SECRET_KEY.search(key) and not _NO_SECRET.fullmatch(value)
        if is_named or MARK.search(value) or MARK.search(key):
            yield f"a secret in {MARK.sub('…', key)}"


@control(
    "AISEC-CTR-11",
    severity="high",
    needs_running=True,
    objectives=["container_isolation", "protected_credentials"],
    nist_800_53=["SC-5"],
    nist_csf=["PR.IR-04"],
    remediation=(
        "docker run or podman run --memory 8g --pids-limit 512 …; hand secrets over as files: docker "
        "secret, podman run --secret, or a mounted file that only the container's user reads"
    ),
    remediation_is_words="what starts the container (a unit, a compose file, an orchestrator) has to change",
)
def test_containers_are_limited_and_keep_no_secret_in_their_environment(
    host: Host, *, require_memory: bool = True, require_pids: bool = True
) -> None:
    """Containers have resource limits and no secrets in their environment.

    One job without limits takes the whole node down. An environment is read by every process of the
    container, by whoever may inspect it, and ends in crash reports and logs.
    """
    found = containers(host)
    wrong = {
        item.label: what
        for item in found.running
        if (what := list(_unlimited(item, memory=require_memory, pids=require_pids)))
    }
    raise_unless(wrong, [*found.faults])
    if not found.running:
        not_applicable("no container of docker, podman or a CRI runs")
    assert wrong == {}
