from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from pytest_aisec import Host, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.artifacts.remote_code import ModelProcess, remote_code
from pytest_aisec.facts.system.elsewhere import elsewhere


@with_config(ConfigDict(extra="forbid"))
class AllowedModel(TypedDict):
    """A model whose own code was reviewed, at one revision."""

    model: str
    revision: str


def _is_allowed(item: ModelProcess, allow: list[AllowedModel]) -> bool:
    code = item.code_revision or item.revision
    return any(
        (entry["model"], entry["revision"]) == (item.model, item.revision) and code == entry["revision"]
        for entry in allow
    )


@control(
    "AISEC-ART-09",
    severity="high",
    objectives=["software_supply_chain"],
    nist_800_53=["CM-7", "SC-18"],
    atlas_mitigations=["AML.M0011"],
    atlas_techniques=["AML.T0010.003", "AML.T0011.000"],
    remediation=(
        "Remove --trust-remote-code from the command line or set trust_remote_code to false where it "
        "is named, and restart the service; a model that needs it belongs into allow, with a pinned "
        "--revision"
    ),
    remediation_is_words="it changes how a service of yours is started, which only who runs it can write",
)
def test_remote_code_is_disabled(
    host: Host,
    *,
    config_dirs: list[str] = ["/etc", "/opt", "/srv"],
    allow: list[AllowedModel] = [],
) -> None:
    """Remote code execution on model load is disabled.

    With trust_remote_code the publisher of a model runs code on the host. Judges command lines and the
    environment of running processes, and text files of up to 1 MiB in config_dirs; not code elsewhere.
    """
    seen = remote_code(host, config_dirs)
    trusting = {path: "declared, but absent" for path in seen.absent if is_declared("config_dirs")}
    for item in seen.processes:
        if item.is_enabled and not _is_allowed(item, allow):
            trusting[f"process {item.process.name}: {item.summary}"] = (
                f"model {item.model or 'not named'} at revision {item.revision or 'not pinned'}"
            )
    for setting in seen.settings:
        if setting.is_enabled:
            trusting[f"{setting.path}:{setting.line}"] = setting.text
    raise_unless(trusting, seen.faults)
    if not trusting and not seen.processes and not seen.settings:
        not_applicable(
            "no process loads models, and no configuration speaks of trust_remote_code",
            elsewhere=elsewhere(host, "projects", "config_dirs", config_dirs),
        )
    assert trusting == {}
