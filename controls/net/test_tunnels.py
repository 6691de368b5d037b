from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, is_active, not_reviewed, raise_unless
from pytest_aisec.facts.core.formats import MALFORMED, json_value
from pytest_aisec.facts.network.tunnels import tunnels


@control(
    "AISEC-NET-08",
    severity="high",
    objectives=["authenticated_access", "limited_egress"],
    nist_800_53=["AC-17(2)"],
    atlas_techniques=["AML.T0072"],
    remediation=(
        "Stop the program and remove it from units and crontabs, set share=False where Gradio is "
        "launched, or declare it in allow: {allow}"
    ),
    remediation_is_words="whether a tunnel is meant is to be found out first; what starts it may be anywhere",
)
def test_there_are_no_tunnels_or_share_links(
    host: Host,
    *,
    allow: list[str] = [],
    app_dirs: Annotated[list[str], Field(min_length=1)] = ["/srv", "/opt", "/home", "/root"],
) -> None:
    """No tunnels or public share links.

    They publish a notebook, a model or a shell to the Internet past every firewall rule. Programs are
    known by their names: one that was renamed is for the egress filter.
    """
    seen = tunnels(host, app_dirs)
    found: dict[str, list[str]] = {}
    for tunnel in seen.found:
        if tunnel.kind not in allow:
            found.setdefault(tunnel.kind, []).append(tunnel.where)
    asks_tailscale = seen.has_tailscale and "tailscale" not in allow
    if asks_tailscale and is_active():
        if names := _funnels(host):
            found["tailscale"] = names
    elif asks_tailscale and not found:
        not_reviewed(
            "tailscaled runs, and only it knows what its funnel publishes; --aisec-active allows asking"
        )
    raise_unless(found, seen.faults)
    assert found == {}


def _funnels(host: Host) -> list[str]:
    answer = host.run("tailscale serve status --json")
    if answer.rc != 0:
        raise Unobservable("unreadable", f"tailscale serve status: {answer.stderr.strip()}")
    try:
        status: Mapping[str, Any] = json_value(answer.stdout, "tailscale serve status")
        services = [status, *_named(status, "Foreground").values()]
        funnels = [item for one in services for item in _named(one, "AllowFunnel").items()]
        if not all(isinstance(on, bool) for _, on in funnels):
            raise Unobservable("parse", "tailscale serve status: a funnel is neither on nor off")
        return sorted(f"funnel {name}" for name, on in funnels if on)
    except MALFORMED as error:
        raise Unobservable("parse", f"tailscale serve status: {error}") from None


def _named(one: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object within another; Go writes null for an empty one."""
    found = one.get(key)
    if found is not None and not isinstance(found, dict):
        raise Unobservable("parse", f"tailscale serve status: {key} is no object")
    return found or {}
