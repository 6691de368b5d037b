import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from pytest_aisec import Host, control, not_applicable
from pytest_aisec.facts.formats import is_number
from pytest_aisec.facts.sshd import Effective, effective

_ROOT_LOGIN = {"no": 0, "forced-commands-only": 1, "prohibit-password": 2, "without-password": 2, "yes": 3}
_ALGORITHMS = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
)
_OUTDATED = re.compile(
    r"-cbc\b|3des|arcfour|blowfish|cast128|sha1\b|hmac-md5|ripemd|^ssh-rsa(-cert|$)|^ssh-dss"
)


def _weaknesses(keyword: str, value: str, *, permit_root: str, max_auth_tries: int) -> Iterator[str]:
    """Yield what is wrong with one setting."""
    value = value.lower()
    if (
        (keyword in {"passwordauthentication", "x11forwarding", "allowagentforwarding"} and value != "no")
        or (keyword == "permitrootlogin" and _ROOT_LOGIN.get(value, 3) > _ROOT_LOGIN[permit_root])
        or (keyword == "maxauthtries" and (not is_number(value) or int(value) > max_auth_tries))
    ):
        yield value
    elif keyword in _ALGORITHMS:
        old = [name for name in value.lstrip("+^").split(",") if _OUTDATED.search(name)]
        if old and not value.startswith("-"):
            yield ",".join(old)


def _asks_passwords(settings: Mapping[str, str], methods: str) -> bool:
    answers = settings.get(
        "kbdinteractiveauthentication", settings.get("challengeresponseauthentication", "no")
    )
    if answers.lower() == "no":
        return False
    alternatives = methods.split()
    with_key = [any(part == "publickey" for part in each.split(",")) for each in alternatives]
    return not (alternatives and all(with_key))


def _violations(server: Effective, *, permit_root: str, max_auth_tries: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for keyword, values in server.settings.items():
        for wrong in _weaknesses(keyword, values[0], permit_root=permit_root, max_auth_tries=max_auth_tries):
            found[keyword] = wrong
    methods = server.value("authenticationmethods")
    if _asks_passwords({key: values[0] for key, values in server.settings.items()}, methods):
        found["kbdinteractiveauthentication"] = "yes, and a key is not required as well"
    for item in server.conditionals:
        wrongs = list(
            _weaknesses(item.keyword, item.value, permit_root=permit_root, max_auth_tries=max_auth_tries)
        )
        if item.keyword == "authenticationmethods" and server.value("kbdinteractiveauthentication") == "yes":
            wrongs += [item.value] if "publickey" not in item.value else []
        if _asks_passwords({item.keyword: item.value}, methods):
            wrongs.append(item.value)
        found.update({f"{item.where}: {item.keyword}": wrong for wrong in wrongs})
    return found


@control(
    "AISEC-HST-01",
    severity="high",
    nist_800_53=["AC-17", "AC-17(2)", "CM-6", "CM-7", "IA-2", "IA-5(1)"],
    nist_csf=["PR.AA-03", "PR.PS-01"],
    nist_ai_rmf=["MEASURE 2.7"],
    nist_ai_600_1=["MS-2.7-001"],
    iso_27001=["A.8.5", "A.8.9"],
    iso_42001=["A.4.5"],
    cis_v8_1=["4.1", "4.6", "6.4"],
    soc2=["CC6.1", "CC7.1"],
    atlas_techniques=["AML.T0012"],
    eu_ai_act=["15.5"],
    remediation="In /etc/ssh/sshd_config.d/: PasswordAuthentication no, KbdInteractiveAuthentication no, "
    "PermitRootLogin {permit_root}, MaxAuthTries {max_auth_tries}, X11Forwarding no, "
    "AllowAgentForwarding no, MACs -hmac-sha1*; then reload sshd",
)
def test_ssh_refuses_passwords_and_root(
    host: Host,
    *,
    permit_root: Literal["no", "forced-commands-only", "prohibit-password"] = "no",
    max_auth_tries: Annotated[int, Field(ge=1)] = 4,
) -> None:
    """SSH refuses passwords and root and uses modern algorithms.

    A guessed or stolen password is the usual way in. A setting under a Match line counts wherever it
    is weaker, whoever it is for.
    """
    servers = effective(host)
    if servers is None:
        not_applicable("there is no SSH server: no program, no process and nothing on port 22")
    weak: dict[str, str] = {}
    for server in servers:
        weak.update(_violations(server, permit_root=permit_root, max_auth_tries=max_auth_tries))
    assert weak == {}
