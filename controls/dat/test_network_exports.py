import ipaddress
from collections.abc import Iterator, Sequence
from typing import Literal

from pytest_aisec import Host, control, not_applicable, raise_unless
from pytest_aisec.facts.system.exports import Export, Mount, Share, exports

Security = Literal["sys", "krb5", "krb5i", "krb5p"]
_STRENGTH = {"none": 0, "null": 0, "sys": 1, "krb5": 2, "krb5i": 3, "krb5p": 4}
_OLD = {"core", "coreplus", "lanman1", "lanman2", "nt1"}
_ON = {"yes", "true", "1", "on"}


@control(
    "AISEC-DAT-05",
    severity="critical",
    objectives=["secure_configuration", "training_data"],
    nist_800_53=["AC-3", "AC-6", "CM-7", "SC-8"],
    iso_27001=["A.8.20"],
    cis_v8_1=["3.3"],
    soc2=["CC6.6"],
    atlas_techniques=["AML.T0036"],
    remediation=(
        "In /etc/exports name networks or hosts instead of *, write them together with their options "
        "(host(rw), no space), with root_squash,secure,sec={require_sec}, then exportfs -ra; in "
        "smb.conf set guest ok = no, map to guest = never, server min protocol = SMB2; mount with "
        "nosuid,nodev"
    ),
    remediation_is_words="which hosts need the export is known to who made it",
)
def test_network_exports_give_neither_root_nor_the_world_access(
    host: Host, *, require_sec: Security = "sys", allow_no_root_squash: list[str] = []
) -> None:
    """Network exports do not hand root or the world to clients.

    Who may mount training data as root, or from anywhere, can poison it; a server that this host mounts
    from can plant programs that run as root where nosuid is missing.
    """
    seen = exports(host)
    found: dict[str, list[str]] = {}
    for where, what in [
        *(item for export in seen.nfs for item in _nfs(export, require_sec, allow_no_root_squash)),
        *(item for share in seen.smb for item in _smb(share)),
        *(item for mount in seen.mounts for item in _mount(mount, require_sec)),
    ]:
        if what not in found.setdefault(where, []):
            found[where].append(what)
    raise_unless(found, seen.faults)
    if not seen.nfs and not seen.smb and not seen.mounts:
        not_applicable("nothing is exported over NFS or SMB, nor mounted")
    assert found == {}


def _is_everybody(client: str) -> bool:
    if client in {"", "*"} or client.startswith("gss/"):
        return True
    address, slash, mask = client.partition("/")
    if not slash:
        return False
    try:
        network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
    except ValueError:
        return False
    return network.prefixlen < (8 if network.version == 4 else 16)


def _nfs(export: Export, require_sec: str, allow_no_root_squash: Sequence[str]) -> Iterator[tuple[str, str]]:
    where = f"NFS {export.path} for {export.client or 'everybody'}"
    if _is_everybody(export.client):
        yield where, "any client may mount it"
    if export.has("no_root_squash", "root_squash") and export.path not in allow_no_root_squash:
        yield where, "no_root_squash"
    if "0" in export.value("anonuid")[-1:] or "0" in export.value("anongid")[-1:]:
        yield where, "unknown accounts become root"
    if export.has("insecure", "secure"):
        yield where, "insecure: any program of a client may speak for its users"
    flavours = [one for value in export.value("sec") for one in value.split(":")] or ["sys"]
    weak = [one for one in flavours if _STRENGTH.get(one, 0) < _STRENGTH[require_sec]]
    if weak:
        yield where, f"sec={':'.join(weak)}, weaker than {require_sec}"


def _smb(share: Share) -> Iterator[tuple[str, str]]:
    where = f"SMB [{share.name}] in {share.source}"
    settings = share.settings
    if any(settings.get(name) in _ON for name in ("guestok", "public", "guestonly", "onlyguest")):
        yield where, "guests may use it"
    if settings.get("maptoguest", "never") != "never":
        yield where, f"map to guest = {settings['maptoguest']}"
    for name in ("serverminprotocol", "minprotocol"):
        if settings.get(name) in _OLD:
            yield where, f"server min protocol = {settings[name]}"
    if "root" in (settings.get("forceuser"), settings.get("guestaccount")):
        yield where, "its users become root"


def _mount(mount: Mount, require_sec: str) -> Iterator[tuple[str, str]]:
    when = f"to be mounted on {mount.target} by {mount.source_file}"
    where = f"{mount.source} {when if mount.source_file else f'mounted on {mount.target}'}"
    missing = [option for option in ("nosuid", "nodev") if option not in mount.options]
    if missing:
        yield where, f"without {' and '.join(missing)}"
    if mount.kind.startswith("nfs"):
        flavours = [one.removeprefix("sec=") for one in mount.options if one.startswith("sec=")] or ["sys"]
        if _STRENGTH.get(flavours[-1], 0) < _STRENGTH[require_sec]:
            yield where, f"sec={flavours[-1]}, weaker than {require_sec}"
