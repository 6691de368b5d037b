"""A switch, a client's place on it, and as many fresh Debian hosts as a test asks for, on one machine.

Nothing here has a way out: no namespace has a default route. Nothing in a host can change the machine:
systemd-nspawn keeps ``/proc/sys`` read-only but for a host's own network.

One module, however long: a lab and its hosts know one another's insides.
"""

from __future__ import annotations

import hashlib
import os
import re
import select
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import debian, kernel
from .closing import Closing
from .errors import LabError, LabUnavailableError
from .image import USERS, Image, Kind, image, layer
from .scope import Scope, alone, ip, raise_inotify_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

Boot = Literal["systemd", "sshd"]
"""What is process 1 of a host: Debian's systemd with all its services, or an sshd alone."""

CLIENT_ADDRESS = "10.77.0.1"
SSH_PORT = 22

_REFUSING = "10.77.254.1"
_HANGING = "10.77.254.2"
_DEAD = "10.77.254.3"
_BOOT_TIMEOUT = 60.0  # seconds
_COMMAND_TIMEOUT = 60.0  # seconds
_POLL = 0.005  # seconds between two attempts to connect to an sshd that is starting
_LOG_TAIL = 3000  # characters of a host's log in an error
_HOSTS_A_BLOCK = 250  # addresses 10.77.<block>.1 up to this
_BLOCKS = 250
_AT_ONCE = (os.cpu_count() or 1) * 2 + 2  # hosts that boot side by side

_COMMANDS = {
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}

# Written by sshd, sudo, PAM, cron and systemd while nobody changes anything; paths or directories.
_WRITTEN_BY_ITSELF = (
    "/run/host",
    "/run/systemd",
    "/run/log",
    "/run/utmp",
    "/run/user",
    "/run/sudo",
    "/run/motd.dynamic",
    "/run/motd.dynamic.new",
    "/var/lib/systemd",
    "/var/lib/sudo",
)
_LOG_NAMES = re.compile(
    r"/var/log(/journal.*|/nginx(/[a-z]+\.log)?|/(wtmp|btmp|lastlog|syslog|debug|messages|faillog|[a-z]+\.log))?|/run|/run/lock"
)


class Entry(NamedTuple):
    """State of a changed path: times in nanoseconds, ``digest`` only of regular files (SHA-256)."""

    kind: str  # "file", "directory", "link", "device", "other", "gone"
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    digest: str


class LabHost(Closing):
    """One running host. Made by :meth:`Lab.host`; ends with :meth:`close`, a ``with`` block, or its lab."""

    def __init__(
        self, lab: Lab, number: int, name: str, boot: Boot, kind: Kind, layers: Sequence[str] = ()
    ) -> None:
        self._lab = lab
        self._part = f"h{number}"
        self._boot: Boot = boot
        self._kind: Kind = kind
        self._layers = tuple(layers)
        self._leader = 0
        self.name = name
        block, position = divmod(number - 1, _HOSTS_A_BLOCK)
        self.address = f"10.77.{block + 1}.{position + 1}"

    def __repr__(self) -> str:
        return f"<LabHost {self.name} {self.address}>"

    @property
    def root(self) -> Path:
        """The host's root file system, from outside: the same files, without what is mounted over them."""
        return self._home / "root"

    @property
    def pid(self) -> int:
        """The process on this machine that is process 1 in the host."""
        return self._leader

    @property
    def log(self) -> str:
        """Output of the host on its console."""
        path = self._home / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def spec(self, user: str = "root") -> str:
        """Name that testinfra has for the host: ``ssh://user@address``. All of ``image.USERS`` can log in."""
        return f"ssh://{user}@{self.address}"

    def sh(
        self, script: str, *, check: bool = True, timeout: float = _COMMAND_TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script as root in the host, not over ssh.

        Returns when the script itself ends, whatever it leaves running. ``$LAB_CGROUP`` is where it may make
        cgroups in hierarchies of the machine: what is below goes with the host. Raises LabError when it takes
        more than ``timeout`` seconds and, with ``check``, when its exit status is not 0.
        """
        command = ["/bin/sh", "-c", script]
        inside = [
            *("nsenter", "--target", str(self._leader)),
            *("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--", *command),
        ]
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "USER": "root",
            "LOGNAME": "root",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "LAB_CGROUP": f"/{self._lab.name}/{self._part}",
        }
        # Files, not pipes: a daemon that the script starts would keep a pipe open for ever.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                inside,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                start_new_session=True,
            )
            late = False
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                late = True
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, 9)
                    process.wait()
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        done = subprocess.CompletedProcess(command, process.returncode, *texts)
        if late or (check and done.returncode):
            what = f"took more than {timeout:g} s" if late else f"ended with {done.returncode}"
            raise LabError(f"a script on {self.name} {what}:\n{script}\n{done.stdout}{done.stderr}")
        return done

    def changes(self) -> dict[str, Entry]:
        """Return what differs from the image now, by path; two readings show what happened between them.

        Also what is in memory only (``/run``, ``/dev/shm``). Left out is what sshd, sudo and systemd write by
        themselves about a log-in: logs, the journal, wtmp and its kin, session directories.
        A directory is listed when something was made or removed in it: even a temporary file leaves this
        trace.
        """
        inside = Path(f"/proc/{self._leader}/root")
        found = _walk(self._home / "upper", "")
        for place in ("/run", "/dev/shm"):  # noqa: S108 - of the host
            found.update(_walk(inside / place[1:], place))
        return found

    def close(self) -> None:
        """End the host at once, as a power cut does; again is harmless."""
        self._lab._forget(self)

    # Starting

    @property
    def _home(self) -> Path:
        return self._lab._scope.path / self._part

    def _start(self) -> None:
        lab, scope = self._lab, self._lab._scope
        below = [*map(layer, self._layers), image(self._kind).root]  # may take minutes: built if not there
        deadline = time.monotonic() + _BOOT_TIMEOUT
        scope.part(self._part)
        network = scope.network(self._part)
        ip(
            f"link add {self._part} type veth peer name eth0 netns {network.name}",
            f"link set {self._part} master br0 up",
            inside=lab._switch.name,
        )
        ip(f"addr add {self.address}/16 dev eth0", "link set eth0 up", inside=network.name)
        merged, _ = scope.overlay(self._part, lab._layer, *below)
        self._personalise(merged)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notices:
            address = str(self._home / "notify")
            notices.bind(address)
            process = scope.start(
                self._part,
                self._command(merged, network),
                self._home / "console.log",
                {
                    "PATH": os.environ.get("PATH", os.defpath),
                    "NOTIFY_SOCKET": address,
                    "SYSTEMD_NSPAWN_TMPFS_TMP": "0",  # Debian keeps /tmp on disk
                },
            )
            self._await_boot(process, notices, deadline)
        # systemd-nspawn does this by itself only for networks that it makes.
        self.sh("mount --bind /proc/sys/net /proc/sys/net && mount -o remount,bind,rw /proc/sys/net")
        self._await_sshd(process, deadline)

    def _personalise(self, merged: Path) -> None:
        """Give the host what no two hosts share."""
        etc = merged / "etc"
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n::1 localhost\n")
        (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
        key = etc / "ssh/ssh_host_ed25519_key"
        for path in (key, key.with_suffix(".pub")):
            path.unlink(missing_ok=True)
        _new_key(key, f"root@{self.name}")
        kind, public, _ = key.with_suffix(".pub").read_text().split(" ", 2)
        with self._lab._known_hosts.open("a") as file:
            file.write(f"{self.address} {kind} {public}\n")

    def _command(self, merged: Path, network: Path) -> list[str]:
        payload = {
            "systemd": ["--notify-ready=yes", "--boot"],
            "sshd": ["--as-pid2", "/bin/sh", "-c", "mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e"],
        }
        return [
            *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--settings=no"),
            *("--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe"),
            *("--capability=CAP_NET_ADMIN", f"--network-namespace-path={network}"),
            *(f"--directory={merged}", f"--machine={self.name}", *payload[self._boot]),
        ]

    def _await_boot(self, process: subprocess.Popen[bytes], notices: socket.socket, deadline: float) -> None:
        """Wait until nspawn has said which process leads and, with systemd, that every start job is done."""
        watch = os.pidfd_open(process.pid)
        try:
            while True:
                remaining = deadline - time.monotonic()
                ready, _, _ = select.select([notices.fileno(), watch], [], [], max(0.0, remaining))
                if notices.fileno() in ready:
                    fields = dict(
                        line.partition("=")[::2] for line in notices.recv(65536).decode().splitlines()
                    )
                    self._leader = int(fields.get("X_NSPAWN_LEADER_PID", self._leader))
                    if "READY" in fields and self._leader:
                        return
                elif watch in ready:
                    raise self._failure(f"ended with {process.wait()} instead of starting")
                else:
                    raise self._failure(f"did not start within {_BOOT_TIMEOUT:.0f} s")
        finally:
            os.close(watch)

    def _await_sshd(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        """Wait for the first line that an sshd says, as the client hears it."""
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or process.poll() is not None:
                raise self._failure("has no sshd that answers")
            with self._lab.socket() as connection, suppress(OSError):
                connection.settimeout(remaining)
                connection.connect((self.address, SSH_PORT))
                if connection.recv(4) == b"SSH-":
                    return
            time.sleep(_POLL)

    def _failure(self, what: str) -> LabError:
        return LabError(f"{self.name} ({self.address}) {what}; its console:\n{self.log[-_LOG_TAIL:]}")


class Lab(Closing):
    """A network with a client and hosts; use as a context manager.

    ``rtt`` is the round-trip time in seconds that is added between the client and everything else; None adds
    nothing. Raises LabUnavailableError where a lab cannot be, LabError when something in it goes wrong.
    Whatever ends the process, SIGKILL included, ends the lab: see :mod:`pytest_aisec.testing.labkit.scope`.
    """

    def __init__(self, *, rtt: float | None = None) -> None:
        self.rtt = rtt
        self._lock = threading.Lock()
        self._hosts: dict[str, LabHost] = {}
        self._number = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        require_lab()
        self._image: Image = image()
        with ExitStack() as stack:
            self._scope = stack.enter_context(Scope())
            raise_inotify_limit()
            self._build(stack)
            self._stack = stack.pop_all()
        return self

    def close(self) -> None:
        """End every host and everything else of the lab; again is harmless."""
        with self._lock:
            self._hosts.clear()
        self._stack.close()

    @property
    def name(self) -> str:
        """The name that everything of this lab carries on the machine."""
        return self._scope.name

    @property
    def image(self) -> Image:
        """Image that the hosts start from."""
        return self._image

    @property
    def ssh_config(self) -> Path:
        """An ssh configuration that knows the lab's key and its hosts' keys, and refuses any other host."""
        return self._home / "ssh_config"

    @property
    def identity(self) -> Path:
        """The private key that every user of every host accepts."""
        return self._home / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The public keys of the hosts."""
        return self._known_hosts

    def host(
        self,
        name: str | None = None,
        boot: Boot = "systemd",
        kind: Kind = "stock",
        layers: Sequence[str] = (),
    ) -> LabHost:
        """Bring up one fresh host; returns when systemd has started everything and sshd answers the client.

        ``name`` is its host name, ``h1``, ``h2`` … if none is given; ``layers`` are names of
        ``image.LAYERS``. Raises LabError with the host's console.
        """
        with self._lock:
            self._number += 1
            number = self._number
            if number > _HOSTS_A_BLOCK * _BLOCKS:
                raise LabError("this lab has no address left")
            name = name or f"h{number}"
            if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) or name in self._hosts:
                raise LabError(f"{name!r} is no host name, or taken")
            host = self._hosts[name] = LabHost(self, number, name, boot, kind, layers)
        try:
            host._start()
        except BaseException:
            with suppress(LabError):  # the reason why it does not start says more
                host.close()
            raise
        return host

    def hosts(self, count: int, boot: Boot = "systemd") -> list[LabHost]:
        """Bring up several hosts side by side; all or none."""
        with ThreadPoolExecutor(min(max(count, 1), _AT_ONCE)) as pool:
            futures = [pool.submit(self.host, boot=boot) for _ in range(count)]
        failures = [error for future in futures if (error := future.exception())]
        if failures:
            for future in futures:
                if not future.exception():
                    future.result().close()
            raise failures[0]
        return [future.result() for future in futures]

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Put the calling thread, and what it starts meanwhile, in the client's place in the network.

        Threads that run already stay outside.
        """
        with kernel.inside_network(self._client):
            yield

    def socket(self) -> socket.socket:
        """A new TCP socket in the client's place in the network, wherever the caller is."""
        with self.enter():
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def run(
        self, command: Sequence[str | Path], *, check: bool = True, timeout: float = _COMMAND_TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the client's place in the network; raises what subprocess.run raises."""
        return subprocess.run(
            ["ip", "netns", "exec", self._client.name, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=check,
            timeout=timeout,
        )

    def dead_address(self) -> str:
        """An address that packets go to and nothing comes from: connecting times out."""
        return _DEAD

    def refusing_address(self) -> str:
        """An address where no port is open: connecting is refused."""
        return _REFUSING

    def hanging_address(self) -> str:
        """An address where port 22 accepts connections, and nobody ever says a word."""
        return _HANGING

    # Building

    def _build(self, stack: ExitStack) -> None:
        self._home = self._scope.part("lab")
        self._client = self._scope.network("client")
        self._switch = self._scope.network("switch")
        self._known_hosts = self._home / "known_hosts"
        self._known_hosts.touch()
        self._wire()
        stack.enter_context(self._listen_and_hang())
        _new_key(self.identity, "lab")
        self._layer = self._authorise()
        self.ssh_config.write_text(
            "Host *\n"
            f"  IdentityFile {self.identity}\n"
            "  IdentitiesOnly yes\n"
            "  IdentityAgent none\n"
            f"  UserKnownHostsFile {self._known_hosts}\n"
            "  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n"
            "  LogLevel ERROR\n"
        )

    def _wire(self) -> None:
        """Client and switch, and between them a cable or a delay."""
        ip("link add br0 type bridge", "link set br0 up", inside=self._switch.name)
        if self.rtt is None:
            ip(f"link add eth0 type veth peer name up0 netns {self._switch.name}", inside=self._client.name)
        else:
            self._start_delay(self.rtt)
        ip("link set up0 master br0 up", inside=self._switch.name)
        ip(
            f"addr add {CLIENT_ADDRESS}/16 dev eth0",
            "link set eth0 up",
            # An address that resolves to an Ethernet address that nobody has: frames leave and are lost.
            f"neigh add {_DEAD} lladdr 02:00:00:00:de:ad dev eth0 nud permanent",
            inside=self._client.name,
        )
        ip(f"addr add {_REFUSING}/16 dev br0", f"addr add {_HANGING}/16 dev br0", inside=self._switch.name)

    def _start_delay(self, rtt: float) -> None:
        log = self._home / "delay.log"
        ends = [str(self._client), "eth0", str(self._switch), "up0", str(rtt)]
        process = self._scope.start("lab", alone("delay", "main", *ends), log)
        deadline = time.monotonic() + _BOOT_TIMEOUT
        while "ready" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"the delay between client and hosts does not start: {log.read_text()}")
            time.sleep(_POLL)

    @contextmanager
    def _listen_and_hang(self) -> Iterator[None]:
        """The kernel completes connections to a listening socket by itself; nobody ever accepts them."""
        with kernel.inside_network(self._switch):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with listener:
            listener.bind((_HANGING, SSH_PORT))
            listener.listen(1024)
            yield

    def _authorise(self) -> Path:
        """Make the layer between image and hosts: the lab's key for every user."""
        self._scope.part("layer")
        merged, upper = self._scope.overlay("layer", self._image.root)
        key = self.identity.with_suffix(".pub").read_bytes()
        for user in USERS:
            uid, gid, home = self._image.user(user)
            directory = merged / home.relative_to("/") / ".ssh"
            file = directory / "authorized_keys"
            directory.mkdir(exist_ok=True)
            file.write_bytes(key)
            for path, mode in ((directory, 0o700), (file, 0o600)):
                path.chmod(mode)
                os.chown(path, uid, gid)
        kernel.detach(merged)  # an overlay must not change under the overlays that are mounted over it
        return upper

    def _forget(self, host: LabHost) -> None:
        with self._lock:
            if self._hosts.get(host.name) is not host:
                return
            del self._hosts[host.name]
        self._scope.drop(host._part)


def require_lab() -> None:
    """Install what the lab needs on this machine; raises LabUnavailableError, one line, where it cannot."""
    if not sys.platform.startswith("linux") or not Path("/etc/debian_version").exists():
        raise LabUnavailableError("the lab needs Debian or a system like it")
    if os.geteuid() != 0:
        raise LabUnavailableError("the lab needs root")
    debian.complete_search_path()
    debian.ensure_commands(_COMMANDS)
    attempt = ["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    done = subprocess.run(attempt, capture_output=True, text=True, check=False, timeout=_COMMAND_TIMEOUT)
    if done.returncode:
        raise LabUnavailableError(f"the lab needs to make namespaces and mounts: {done.stderr.strip()}")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        subprocess.run(["modprobe", "overlay"], capture_output=True, check=False)
        if "\toverlay\n" not in Path("/proc/filesystems").read_text():
            raise LabUnavailableError("the lab needs the overlay file system")
    for hierarchy in kernel.systemd_hierarchies() or [Path("/sys/fs/cgroup")]:
        if not os.access(hierarchy / "cgroup.procs", os.W_OK):
            raise LabUnavailableError(f"the lab needs to make cgroups below {hierarchy}")


def _new_key(path: Path, comment: str) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=_COMMAND_TIMEOUT,
    )


def _walk(top: Path, prefix: str) -> dict[str, Entry]:
    """Everything below a directory of a host, but for what a host writes by itself."""
    found: dict[str, Entry] = {}
    for directory, names, files in os.walk(top):
        inside = prefix + directory.removeprefix(str(top))
        names[:] = [name for name in names if f"{inside}/{name}" not in _WRITTEN_BY_ITSELF]
        for name in [*names, *files]:
            path = f"{inside}/{name}"
            if path not in _WRITTEN_BY_ITSELF and not _LOG_NAMES.fullmatch(path):
                with suppress(FileNotFoundError):
                    found[path] = _entry(Path(directory, name))
    return found


def _entry(path: Path) -> Entry:
    status = path.lstat()
    mode, size, digest = status.st_mode, status.st_size, ""
    if stat.S_ISREG(mode):
        kind = "file"
        with suppress(OSError):  # a name of a namespace, which engines keep as a file, cannot be read
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
    elif stat.S_ISLNK(mode):
        kind, digest = "link", str(path.readlink())
    elif stat.S_ISDIR(mode):
        kind, size = "directory", 0
    elif stat.S_ISCHR(mode) and status.st_rdev == 0:
        kind = "gone"  # how an overlay remembers that something was removed
    else:
        kind = "device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "other"
    return Entry(kind, size, status.st_mtime_ns, stat.S_IMODE(mode), status.st_uid, status.st_gid, digest)
