"""The root file system that every lab host starts from: Debian bookworm, built once and kept in a cache.

One module, however long: a list of what an image holds, and how it is put there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import debian, kernel
from .commands import ran
from .errors import LabUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUITE = "bookworm"
"""The Debian release of the lab's hosts."""

PACKAGES = (
    "acl",
    "cron",
    "iproute2",
    "iptables",
    "kmod",
    "libcap2-bin",
    "net-tools",
    "nftables",
    "openssh-server",
    "procps",
    "rsyslog",
    "sudo",
    "systemd",
    "systemd-sysv",
)
"""What a host has beyond Debian's essential packages and apt."""

Kind = Literal["stock", "services", "job", "minimal"]
"""``stock``: Debian with sshd and little else, and no Python. ``services``: what AI machines run besides.
``job``: what a machine that runs jobs of CI has besides. ``minimal``: Debian's required packages alone, for
containers."""

SERVICES = (
    "busybox-static",
    "conntrack",
    "crun",
    "cryptsetup-bin",
    "curl",
    "docker.io",
    "e2fsprogs",
    "gnupg",
    "nginx-light",
    "openssl",
    "podman",
    "python3",
)
"""What a host of the kind ``services`` has in addition. None of it is started at boot."""

JOB = ("python3", "python3-venv")
"""What a host of the kind ``job`` has in addition."""

WHEELS = {
    "jupyter": ("jupyter-server==2.17.0",),
    "tensorboard": ("tensorboard==2.20.0", "setuptools<81"),
}
"""Python packages of the kind ``services``, each list below ``/opt/<name>``; PYTHONPATH shows them."""

LAYERS = {
    "litellm": ("litellm[proxy]==1.108.7", "async-timeout==5.0.1", "prisma==0.15.0"),
    "ray": ("ray[default]==2.60.0",),
}
"""Python packages, likewise below ``/opt/<name>``, that only a host has which asks for them: large ones."""

DOUBLE = Path(__file__).with_name("double.py")
"""Plays answers of services that are not there; lies in ``/opt/double`` of the kind ``services``."""

USERS = ("root", "auditor", "operator", "prompter", "ai_user")
"""Who can log in with the key of the lab.

``auditor`` has no rights, ``operator`` has sudo without a password, ``prompter`` has sudo that asks for
PROMPTER_PASSWORD, and ``ai_user``, a member of ``ai_team``, owns the models and the data.
"""

PROMPTER_PASSWORD = "prompt-me"  # noqa: S105 - of throw-away hosts
"""What the sudo of ``prompter`` wants to hear."""

_BUILD_TIMEOUT = 900.0  # seconds
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# Runs on the machine with the new root as $1. Configuration stays Debian's own wherever the lab can live with
# it: the hosts are what the audit is tried on. sshd is not touched at all.
_CUSTOMISE = f"""\
#!/bin/sh
set -eu
cd "$1"
chroot . useradd --create-home --shell /bin/bash auditor
chroot . useradd --create-home --shell /bin/bash --no-user-group --gid operator operator  # Debian has the group
chroot . useradd --create-home --shell /bin/bash --groups sudo prompter
chroot . groupadd ai_team
chroot . useradd --create-home --shell /bin/bash --groups ai_team ai_user
echo 'prompter:{PROMPTER_PASSWORD}' | chroot . chpasswd
echo 'operator ALL=(ALL:ALL) NOPASSWD: ALL' > etc/sudoers.d/operator
chmod 440 etc/sudoers.d/operator
if [ -e usr/bin/docker ]; then
    chroot . systemctl disable --quiet docker.service docker.socket containerd.service nginx.service \\
        podman.service podman.socket podman-restart.service podman-auto-update.timer conntrackd.service 2>/dev/null || :
    for unit in docker.service docker.socket containerd.service nginx.service podman.socket; do
        rm -f etc/systemd/system/*.wants/$unit
    done
fi
# What building leaves behind, and the addresses of the machine that built.
rm -f etc/apt/apt.conf.d/99mmdebstrap etc/resolv.conf etc/hostname
rm -f etc/apt/sources.list.d/*
cat > etc/apt/sources.list <<SOURCES
deb http://deb.debian.org/debian {SUITE} main
deb http://deb.debian.org/debian {SUITE}-updates main
deb http://deb.debian.org/debian-security {SUITE}-security main
SOURCES
# Says that this is no first boot: saves a dozen services at every start of a host.
touch etc/.updated var/.updated
"""  # noqa: E501 - another text is another image, which takes minutes to build


@dataclass(frozen=True)
class Image:
    """A built root file system; nobody writes to it."""

    root: Path
    digest: str

    def user(self, name: str) -> tuple[int, int, Path]:
        """User id, group id and home directory of a user on the image; raises KeyError."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            user, _, uid, gid, _, home, _ = line.split(":")
            if user == name:
                return int(uid), int(gid), Path(home)
        raise KeyError(name)

    def tar(self) -> Path:
        """The image as one tar file, for engines that import it; made once."""
        path = self.root.with_name(f"{self.digest}.tar")
        with _locked(path.parent):
            if not path.exists():
                part = path.with_suffix(".part")
                command = ["tar", "--create", "--numeric-owner", "--file", str(part), "."]
                subprocess.run(command, cwd=self.root, check=True, timeout=_BUILD_TIMEOUT)
                part.rename(path)
        return path


def cache_directory() -> Path:
    """``$AISEC_LAB_CACHE``, or ``~/.cache/pytest-aisec/lab``."""
    return Path(os.environ.get("AISEC_LAB_CACHE") or Path.home() / ".cache/pytest-aisec/lab")


def image(kind: Kind = "stock") -> Image:
    """The image, built now if it is not in the cache: about 20 seconds and 230 MB (``services``: more).

    The key in the cache is a digest of the packages and of everything that is done to them. Two processes
    that want the same image build it once. Raises LabUnavailableError.
    """
    packages, digest = _packages(kind), image_digest(kind)
    cache = cache_directory()
    found = Image(cache / digest, digest)
    if found.root.is_dir():
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        if not found.root.is_dir():
            with kernel.outside_network():  # whoever is the first to want it may be in the lab
                _build(found.root, packages)
    return found


def image_digest(kind: Kind = "stock") -> str:
    """Return a digest of all that an image is made from; nothing is built."""
    recipe: tuple[object, ...] = (SUITE, _packages(kind), _CUSTOMISE)
    if kind == "services":
        recipe = (*recipe, WHEELS, DOUBLE.read_text())
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:16]


def layer_digest(name: str) -> str:
    """Likewise of one of LAYERS."""
    return hashlib.sha256(repr((SUITE, name, LAYERS[name])).encode()).hexdigest()[:16]


def _packages(kind: Kind) -> tuple[str, ...]:
    if kind == "minimal":
        return ()
    return (*PACKAGES, *{"stock": (), "services": SERVICES, "job": JOB}[kind])


def layer(name: str) -> Path:
    """One of LAYERS as a directory to put over the root of a host, built now if it is not in the cache.

    Raises LabUnavailableError.
    """
    cache = cache_directory()
    found = cache / f"{layer_digest(name)}-{name}"
    if found.is_dir():
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        if not found.is_dir():
            with kernel.outside_network(), _building(cache) as home:
                home.chmod(0o755)
                _install_wheels(home / "layer", name, LAYERS[name], compiled=True)
                (home / "layer").chmod(0o755)
                (home / "layer").rename(found)
    return found


@contextmanager
def _building(cache: Path) -> Iterator[Path]:
    """A directory to build in, which is removed with what is left there; so are those that others left."""
    for unfinished in cache.glob("building-*"):
        _remove(unfinished)
    home = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    try:
        yield home
    except subprocess.TimeoutExpired:
        raise LabUnavailableError(f"building took more than {_BUILD_TIMEOUT:.0f} s") from None
    finally:
        _remove(home)


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(target: Path, packages: Sequence[str]) -> None:
    debian.ensure_commands({"mmdebstrap": "mmdebstrap"})
    if not _KEYRING.exists():
        debian.ensure(["debian-archive-keyring"])
    with _building(target.parent) as home:
        home.chmod(0o755)
        root = home / "root"
        hook = home / "customise"
        hook.write_text(_CUSTOMISE if packages else "#!/bin/sh\n")
        hook.chmod(0o755)
        command = [
            *("unshare", "--mount", "--propagation", "private", "mmdebstrap", "--quiet", "--mode=root"),
            *(f"--variant={'apt' if packages else 'minbase'}", "--format=directory"),
            *((f"--include={','.join(packages)}",) if packages else ()),
            *(f"--aptopt={option}" for option in _apt_options()),
            f"--customize-hook={hook}",
            *(SUITE, str(root), *_mirrors(home)),
        ]
        done = ran(command, timeout=_BUILD_TIMEOUT)
        if done.returncode:
            raise LabUnavailableError(f"mmdebstrap cannot build the image: {_last_error(done.stderr)}")
        pythons = [
            *root.glob("usr/bin/*python*"),
            *root.glob("usr/lib/python*"),
            *root.glob("usr/local/bin/*python*"),
        ]
        if pythons and packages == PACKAGES:
            raise LabUnavailableError(f"the image must not have a Python, but has {pythons[0]}")
        if set(SERVICES) <= set(packages):
            _add_python_services(root)
        root.rename(target)


def _add_python_services(root: Path) -> None:
    for name, requirements in WHEELS.items():
        _install_wheels(root, name, requirements)
    (root / "opt/double").mkdir()
    (root / "opt/double/double.py").write_text(DOUBLE.read_text())


def _install_wheels(root: Path, name: str, requirements: Sequence[str], *, compiled: bool = False) -> None:
    """Install wheels for the image's Python 3.11 below ``/opt/<name>``, from here: the image has no pip.

    ``compiled``: with byte code, which is of use only where this is a Python 3.11, too.
    """
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *(() if compiled else ("--no-compile",)),
        *("--target", str(root / "opt" / name), "--python-version", "3.11", "--implementation", "cp"),
        *("--only-binary=:all:", *requirements),
    ]
    done = ran(command, timeout=_BUILD_TIMEOUT)
    if done.returncode:
        raise LabUnavailableError(f"pip cannot install {name} for the image: {_last_error(done.stderr)}")


def _remove(directory: Path) -> None:
    subprocess.run(["rm", "-rf", "--one-file-system", directory], check=False)


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return " / ".join((errors or lines or ["it does not say why"])[-3:])


def _apt_options() -> list[str]:
    """The settings of this machine's apt without which packages may not be reachable: proxies and dates."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    wanted = re.compile(r"Acquire::(https?::Proxy\b.*|Check-(Valid-Until|Date)) \".+\";", re.IGNORECASE)
    return [line for line in dump.splitlines() if wanted.fullmatch(line)]


def _mirrors(home: Path) -> list[str]:
    """The sources of this machine that serve the suite, as files; without any, the public ones serve."""
    apt = Path("/etc/apt")
    mirrors = []
    places = [apt / "sources.list", *sorted(apt.glob("sources.list.d/*"))]
    for number, place in enumerate(path for path in places if path.suffix in {".list", ".sources"}):
        text = place.read_text() if place.is_file() else ""
        kept = _deb822(text) if place.suffix == ".sources" else _one_line(text)
        if kept:
            path = home / f"{number}{place.suffix}"
            path.write_text(kept)
            mirrors.append(str(path))
    return mirrors


def _serves(suites: list[str], components: list[str]) -> bool:
    known = {SUITE, f"{SUITE}-updates", f"{SUITE}-security"}
    return "main" in components and bool(suites) and known.issuperset(suites)


def _one_line(text: str) -> str:
    """The entries of a ``sources.list`` for packages of the suite."""
    entry = re.compile(r"deb\s+(\[[^]]*\]\s+)?\S+\s+(?P<suite>\S+)\s+(?P<components>[^#]*)")
    kept = []
    for line in text.splitlines():
        match = entry.match(line.strip())
        if match and _serves([match["suite"]], match["components"].split()):
            kept.append(line.strip() + "\n")
    return "".join(kept)


def _deb822(text: str) -> str:
    """The stanzas of a ``.sources`` file for packages of the suite."""
    kept = []
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if colon and not line.startswith((" ", "\t")):
                fields[name.lower()] = value.split()
        enabled = fields.get("enabled", ["yes"]) != ["no"]
        serves = _serves(fields.get("suites", []), fields.get("components", []))
        if enabled and serves and "deb" in fields.get("types", []):
            kept.append("\n".join(lines) + "\n")
    return "\n".join(kept)
