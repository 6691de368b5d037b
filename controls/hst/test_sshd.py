import itertools
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pytest_aisec import Host, control, not_applicable
from pytest_aisec.facts.core.formats import is_number
from pytest_aisec.facts.system.sshd import Effective, effective

_ROOT_LOGIN = {"no": 0, "forced-commands-only": 1, "prohibit-password": 2, "without-password": 2, "yes": 3}
_ASKS = "kbdinteractiveauthentication"
_METHODS = "authenticationmethods"
_ALGORITHMS = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
)
_OUTDATED = re.compile(
    r"-cbc\b|3des|arcfour|blowfish|cast128|sha1\b|hmac-md5|umac-64\b|ripemd|^ssh-rsa(-cert|$)|^ssh-dss"
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


def _needs_key(methods: str) -> bool:
    """Tell whether each of the alternatives of `AuthenticationMethods` has a key in it."""
    alternatives = methods.split()
    with_key = [any(part == "publickey" for part in each.split(",")) for each in alternatives]
    return bool(alternatives) and all(with_key)


def _asked_for_answers(server: Effective) -> Iterator[tuple[str, str]]:
    """Yield where the server may ask for a password by keyboard-interactive, without a key as well.

    Whether it asks and what else it demands may stand under two conditions, or under none.
    """
    own = {keyword: server.conditional(keyword) for keyword in (_ASKS, _METHODS)}
    asks = server.value(_ASKS) or server.value("challengeresponseauthentication") or "no"
    asking = [("", asks), *((block, item.value) for block, item in own[_ASKS].items())]
    demands = [("", server.value(_METHODS)), *((block, item.value) for block, item in own[_METHODS].items())]
    for (asker, answer), (demander, methods) in itertools.product(asking, demands):
        if answer.lower() == "no" or _needs_key(methods):
            continue
        if asker != demander and (
            (asker and asker in own[_METHODS])
            or (demander and demander in own[_ASKS])
            or (asker and demander and own[_ASKS][asker].excludes(own[_METHODS][demander]))
        ):
            continue
        if not asker and not demander:
            yield _ASKS, "yes, and a key is not required as well"
        elif asker:
            yield f"{own[_ASKS][asker].where}: {_ASKS}", answer
        else:
            yield f"{own[_METHODS][demander].where}: {_METHODS}", methods


def _violations(server: Effective, *, permit_root: str, max_auth_tries: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for keyword, values in server.settings.items():
        for wrong in _weaknesses(keyword, values[0], permit_root=permit_root, max_auth_tries=max_auth_tries):
            where = server.origins.get(keyword)
            found[f"{where}: {keyword}" if where else keyword] = wrong
    for item in server.conditionals:
        wrongs = _weaknesses(item.keyword, item.value, permit_root=permit_root, max_auth_tries=max_auth_tries)
        found.update({f"{item.where}: {item.keyword}": wrong for wrong in wrongs})
    found.update(_asked_for_answers(server))
    return found


@control(
    "AISEC-HST-01",
    severity="high",
    objectives=["secure_configuration"],
    nist_800_53=["AC-17", "AC-17(2)", "CM-7", "IA-2", "IA-5(1)"],
    nist_csf=["PR.AA-03"],
    iso_27001=["A.8.5"],
    cis_v8_1=["4.6", "6.4"],
    soc2=["CC7.1"],
    atlas_techniques=["AML.T0012"],
    eu_ai_act=["15.5"],
    remediation=(
        'u=${SUDO_USER:-root}; test -s "$(getent passwd "$u" | cut -d: -f6)/.ssh/authorized_keys" && '
        'test "$u {permit_root}" != \'root no\' || { echo "$u could not log in any more: give another '
        "account a key and sudo, and log in as that\" >&2; exit 1; }; printf '%s\\n' "
        "'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'PermitRootLogin {permit_root}' "
        "'MaxAuthTries {max_auth_tries}' 'X11Forwarding no' 'AllowAgentForwarding no' 'MACs "
        "-hmac-sha1*,umac-64*' > /etc/ssh/sshd_config.d/00-aisec.conf && sshd -t && { systemctl reload "
        "ssh || systemctl reload sshd; }  # a file before it, its command line or a Match block that "
        "is named has to be changed there"
    ),
)
def test_ssh_refuses_passwords_and_root(
    host: Host,
    *,
    permit_root: Literal["no", "forced-commands-only", "prohibit-password"] = "no",
    max_auth_tries: Annotated[int, Field(ge=1)] = 4,
) -> None:
    """SSH refuses passwords and root and uses modern algorithms.

    A guessed or stolen password is the usual way in. A setting under a Match line counts wherever it
    is weaker, whoever it is for. What is written down holds only where the server has read it since.
    """
    servers = effective(host)
    if servers is None:
        not_applicable("there is no SSH server: no program, no process and nothing on port 22")
    weak: dict[str, str] = {}
    for server in servers:
        weak.update(_violations(server, permit_root=permit_root, max_auth_tries=max_auth_tries))
    old = [server.stale for server in servers if server.stale is not None]
    if old and not weak:
        raise old[0]
    assert weak == {}
