"""TLS: certificates that lie on a host, and what its own services agree to; asks `openssl` there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_aisec.facts.core.formats import reads
from pytest_aisec.facts.system.rights import ROOT, given_text, with_rights
from pytest_aisec.facts.system.services import Service
from pytest_aisec.observe.faults import Unobservable

if TYPE_CHECKING:
    from testinfra.host import Host

__all__ = ["Certificate", "Handshake", "certificate", "handshake", "read_certificate"]

VERSIONS = {"tls1": "TLSv1", "tls1_1": "TLSv1.1", "tls1_2": "TLSv1.2", "tls1_3": "TLSv1.3"}
"""As openssl's options and as nginx names them, from old to new."""

_SHOWN = "-noout -dates -subject -issuer -text"
_KEPT = "^not|^subject|^issuer|Public Key Algorithm|Public-Key|Signature Algorithm"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Certificate that a service shows."""

    subject: str
    not_before: datetime
    not_after: datetime
    algorithm: str
    """Such as `rsaEncryption` or `id-ecPublicKey`."""
    bits: int
    distrust: str
    """Why it is not trusted, as openssl says; empty where it is."""
    wrong_names: tuple[str, ...]
    """Those of the names asked for that it does not cover."""

    def flaws(self, *, now: datetime, min_days: int) -> list[str]:
        """Return what makes it unfit, for people."""
        found = []
        left = (self.not_after - now).days
        if self.not_after <= now:
            found.append(f"expired on {self.not_after:%Y-%m-%d}")
        elif left < min_days:
            found.append(f"expires on {self.not_after:%Y-%m-%d}, in {left} days")
        if self.not_before > now:
            found.append(f"not valid before {self.not_before:%Y-%m-%d}")
        least = 2048 if self.algorithm.lower().startswith(("rsa", "dsa")) else 256
        if self.bits < least:
            found.append(f"{self.algorithm} of {self.bits} bits")
        if self.distrust:
            found.append(self.distrust)
        found += [f"not for {name}" for name in self.wrong_names]
        return found


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """Terms that a listener agrees to."""

    versions: tuple[str, ...]
    """Such as `TLSv1.2`; from old to new."""
    certificate: Certificate | None
    """`None` where it speaks no TLS."""


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    except ValueError:
        raise Unobservable("parse", f"openssl: not a time: {text!r}") from None


@reads
def read_certificate(text: str, *, distrust: str, wrong_names: Sequence[str]) -> Certificate:
    """Read what `openssl x509` printed.

    Raises:
        Unobservable: `parse`, when something is missing.

    """

    def first(pattern: str) -> str:
        match = re.search(pattern, text, re.MULTILINE)
        if match is None:
            raise Unobservable("parse", f"openssl printed no certificate: {text.strip()[:100]!r}")
        return match[1].strip()

    algorithm = first(r"Public Key Algorithm: (.*)$")
    is_fixed = algorithm.lower() in {"ed25519", "ed448"}
    return Certificate(
        subject=first(r"^subject=(.*)$"),
        not_before=_time(re.sub(r"\s+", " ", first(r"^notBefore=(.*)$"))),
        not_after=_time(re.sub(r"\s+", " ", first(r"^notAfter=(.*)$"))),
        algorithm=algorithm,
        bits=256 if is_fixed else int(first(r"Public-Key: \((\d+) bit")),
        distrust=distrust,
        wrong_names=tuple(wrong_names),
    )


def _answers(host: Host, command: str, values: Sequence[str], count: int) -> list[str]:
    result = host.run(command, *values)
    problem = result.stderr.strip()
    if "not found" in problem:
        raise Unobservable("tool_missing", problem.splitlines()[-1])
    if problem:
        raise Unobservable("unreadable", problem.splitlines()[-1])
    return _parts(result.stdout, count)


def _parts(text: str, count: int) -> list[str]:
    parts = text.split("\n\0")
    if len(parts) != count + 1:
        raise Unobservable("parse", f"openssl gave {len(parts) - 1} answers instead of {count}")
    if any("openssl: not found" in part or "openssl: command not found" in part for part in parts):
        raise Unobservable("tool_missing", "there is no openssl on the host")
    return parts[:-1]


_TRUST = r"error (\d+) at \d+ depth lookup: (.*)"


_READ = (
    f'c=$({{read}} "$1"); shift; x() {{{{ printf "%s\\n" "$c"; }}}}; '
    f'x | openssl x509 {_SHOWN} 2>&1 | grep -aE "{_KEPT}|rror|ermission|not found"; printf "\\n\\000"; '
    "x | {{ x | openssl verify -no_check_time {trust} -untrusted /dev/fd/6 /dev/stdin 2>&1; }} 6<&0; "
    'printf "\\n\\000"; '
    'for n; do x | openssl x509 -noout -checkhost "$n" 2>&1; printf "\\n\\000"; done'
)


def certificate(
    host: Host, path: str, service: Service, *, names: Sequence[str], ca_files: Sequence[str]
) -> Certificate:
    """Return the certificate at the beginning of a file, which is read with the rights of who names it.

    Args:
        host: where it lies.
        path: a file in PEM format, with the chain after the certificate, as the service names it.
        service: what uses it.
        names: what clients call the service.
        ca_files: authorities that are trusted besides those of the host.

    Raises:
        Unobservable: when the file or openssl cannot be used.

    """
    rights = service.rights
    if rights is None:
        raise Unobservable("unreadable", f"{path} is named by a process that has ended")
    script = _READ.format(
        read=f"lend {rights.words}" if rights.uid else "g",
        trust="".join(f"-CAfile {shlex.quote(file)}" for file in ca_files[:1]),
    )
    place = f".{path}" if service.root else path
    answer = host.run(*with_rights(ROOT, script, place, *names, root=service.root))
    path = service.root + path
    text = given_text(answer, f"{path}, read as uid {rights.uid} that names it")
    shown, verified, *hosts = _parts(text, 2 + len(names))
    if "notAfter" not in shown:
        raise Unobservable("unreadable", f"{path}: {shown.strip()[:120] or 'no certificate'}")
    failed = re.search(_TRUST, verified)
    if failed is None and not re.search(r": OK\s*$", verified):
        raise Unobservable("parse", f"openssl verify: {verified.strip()[:120]!r}")
    wrong = [name for name, said in zip(names, hosts, strict=True) if "does match" not in said]
    return read_certificate(shown, distrust=failed[2].strip() if failed else "", wrong_names=wrong)


def handshake(host: Host, place: str, *, names: Sequence[str], ca_files: Sequence[str]) -> Handshake:
    """Return what a listener agrees to, and the certificate that it shows; sends handshakes alone.

    Args:
        host: where the listener is, and which connects to it.
        place: ADDRESS:PORT.
        names: what clients call the service; the first is asked for.
        ca_files: authorities that are trusted besides those of the host.

    Raises:
        Unobservable: `tool_missing` where there is no openssl or it cannot offer old versions; `unreadable`
            where nobody listens.

    """
    name = " -servername %s" if names else " -noservername"
    trust = "".join(" -CAfile %s" for _ in ca_files[:1])
    named = list(names[:1])
    command, values = "", list[str]()
    for version in VERSIONS:
        command += (
            f"openssl s_client -connect %s{name} -{version} -cipher ALL:@SECLEVEL=0 </dev/null 2>&1 "
            "| grep -aE 'Cipher is|no protocols available|refused|unknown option|not found'; "
            "printf '\\n\\000'; "
        )
        values += [place, *named]
    command += (
        f"c=$(openssl s_client -connect %s{name}{trust} </dev/null 2>&1); "
        "printf '%%s\\n' \"$c\" | grep -a 'Verify return code'; "
        f"printf '%%s\\n' \"$c\" | openssl x509 {_SHOWN} 2>&1 | grep -aE '{_KEPT}'; printf '\\n\\000'; "
    )
    values += [place, *named, *ca_files[:1]]
    for one in names:
        command += "printf '%%s\\n' \"$c\" | openssl x509 -noout -checkhost %s 2>&1; printf '\\n\\000'; "
        values.append(one)
    answers = _answers(host, command, values, len(VERSIONS) + 1 + len(names))
    agreed = []
    for version, said in zip(VERSIONS.values(), answers, strict=False):
        if "no protocols available" in said or "unknown option" in said:
            raise Unobservable("tool_missing", f"openssl on the host cannot offer {version}")
        if "refused" in said:
            raise Unobservable("unreadable", f"{place}: connection refused")
        if re.search(r"Cipher is (?!\(NONE\))\S", said):
            agreed.append(version)
    shown, *hosts = answers[len(VERSIONS) :]
    if not agreed or "notAfter" not in shown:
        return Handshake(versions=tuple(agreed), certificate=None)
    code = re.search(r"Verify return code: (\d+) \(([^()\n]*+)\)", shown)
    if code is None:
        raise Unobservable("parse", f"{place}: openssl does not say whether the certificate is trusted")
    in_time = code[1] in {"0", "9", "10"}
    wrong = [name for name, said in zip(names, hosts, strict=True) if "does match" not in said]
    return Handshake(
        versions=tuple(agreed),
        certificate=read_certificate(shown, distrust="" if in_time else code[2], wrong_names=wrong),
    )
