from pytest_aisec import Host, control, is_declared, not_applicable, raise_unless
from pytest_aisec.facts.system.credential_files import credential_files


@control(
    "AISEC-SEC-01",
    severity="high",
    objectives=["protected_credentials"],
    nist_800_53=["AC-3", "AC-6"],
    owasp_llm=["LLM03:2025"],
    atlas_techniques=["AML.T0083"],
    remediation=(
        'for f in FILE; do chmod 600 "$f" && chown OWNER "$f"; done  # in {homes}; then renew what was '
        "readable"
    ),
)
def test_credential_files_are_private(host: Host, *, homes: list[str] = ["/root", "/home"]) -> None:
    """Credential files are readable by their owner only.

    A token that another account can read opens model registries, cloud accounts and code repositories to it.
    """
    if not homes:
        not_applicable("no home is named", claims=["homes"])
    seen = credential_files(host, homes)
    exposed: dict[str, str] = {path: "declared, but absent" for path in seen.absent if is_declared("homes")}
    for file in seen.files:
        if file.entry.exceeds(file.allowed):
            exposed[file.entry.path] = f"{file.entry.summary}, more than {file.allowed:04o}"
        elif file.entry.owner not in file.owners:
            exposed[file.entry.path] = f"{file.entry.summary}, not owned by {' or '.join(file.owners)}"
    raise_unless(exposed, seen.faults)
    if not exposed and not seen.files:
        not_applicable(f"no credential file below {', '.join(homes)}")
    assert exposed == {}
