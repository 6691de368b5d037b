"""Real containers of real engines, and a chroot, for connections that do not use ssh.

An engine runs in namespaces of its own (mounts, network) with its state on a tmpfs, so that it neither finds
nor leaves anything on the machine: no images, no bridges, no firewall rules, no forwarding. Images come from
the machine itself; there is no registry. All raise LabUnavailableError where an engine cannot be installed,
and LabError when it does not do what it should.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import debian
from .commands import ran
from .errors import LabError
from .image import image
from .lab import require_lab
from .scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Root = Literal["busybox", "debian", "minimal"]
"""What is in a container: busybox with the names of its tools, the image of the lab's hosts, or Debian's
required packages alone."""

_PART = "engine"
_TAG = "localhost/lab:1"
_TIMEOUT = 120.0  # seconds, for each thing an engine is asked to do
_POLL = 0.01  # seconds between two looks at an engine that starts
_KEEP_RUNNING = ("sleep", "86400")

# $1 is the directory of the part, somewhere below /run. Inside, /run is empty but for that directory, as is
# /dev/shm, where podman keeps locks. A cgroup tree of both versions has its empty version 2 half hidden: crun
# refuses such a mixture.
_NAMESPACES = """\
set -e
mkdir -p "$1$1" "$1/tmp"
mount --bind "$1" "$1$1"
mount --rbind "$1/run" /run
mount -t tmpfs shm /dev/shm
if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
ip link set lo up
echo ready
exec sleep infinity
"""

_CONTAINERS_CONF = """\
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
"""

_STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{directory}/storage"
runroot = "/run/containers/storage"
"""


@dataclass(frozen=True)
class Container:
    """A running container, and what the environment needs so that ``podman`` or ``docker`` finds it."""

    engine: Literal["podman", "docker"]
    name: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def spec(self) -> str:
        """How testinfra calls the container."""
        return f"{self.engine}://{self.name}"

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the engine's command with the environment that it needs: ``run("inspect", container.name)``."""
        return _do([self.engine, *arguments], {**os.environ, **self.environment}, check=check)


@contextmanager
def podman_container(
    name: str = "lab", *, root: Root = "busybox", options: Sequence[str] = ()
) -> Iterator[Container]:
    """Run a container with podman; ``options`` go to ``podman run``.

    The ``podman`` that ``environment`` puts first in the search path is a wrapper that goes to where it runs.
    Containers have no cgroups of their own, so limits of memory or processes cannot be asked for.
    """
    _install({"podman": "podman", "crun": "crun"})
    with Scope() as scope:
        directory, anchor = _namespaces(scope)
        (directory / "containers.conf").write_text(_CONTAINERS_CONF)
        (directory / "storage.conf").write_text(_STORAGE_CONF.format(directory=directory))
        wrapper = directory / "bin/podman"
        wrapper.parent.mkdir()
        settings = {
            "CONTAINERS_CONF": directory / "containers.conf",
            "CONTAINERS_STORAGE_CONF": directory / "storage.conf",
            "TMPDIR": directory / "tmp",
        }
        groups = [f"{group}/cgroup.procs" for group in scope.cgroups(_PART)]
        wrapper.write_text(
            "#!/bin/sh\n"
            + "".join(f"echo $$ > {shlex.quote(group)}\n" for group in groups)
            + f"exec nsenter --target {anchor} --mount --net --wd=/ -- env "
            + " ".join(f"{key}={shlex.quote(str(value))}" for key, value in settings.items())
            + f' {shutil.which("podman")} "$@"\n'
        )
        wrapper.chmod(0o755)
        environment = {"PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
        container = Container("podman", name, environment)
        container.run("import", "--quiet", str(_tar(root, directory)), _TAG)
        container.run(
            *("run", "--detach", "--name", name, "--network=none"),
            *(*options, _TAG, *_KEEP_RUNNING),
        )
        yield container


@contextmanager
def docker_container(
    name: str = "lab", *, root: Root = "busybox", options: Sequence[str] = ()
) -> Iterator[Container]:
    """Run a container with a dockerd of its own; ``options`` go to ``docker run``.

    ``environment`` says where that dockerd listens.
    """
    _install({"dockerd": "docker.io", "docker": "docker.io"})
    with Scope() as scope:
        directory, anchor = _namespaces(scope)
        listen, log = f"unix://{directory}/docker.sock", directory / "dockerd.log"
        process = scope.start(
            _PART,
            [
                *("nsenter", "--target", str(anchor), "--mount", "--net", "--wd=/", "--", "dockerd"),
                *("--host", listen, "--data-root", f"{directory}/docker", "--exec-root", "/run/docker"),
                *("--pidfile", f"{directory}/docker.pid", f"--cgroup-parent=/{scope.name}/containers"),
                *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
            ],
            log,
            {**os.environ, "TMPDIR": str(directory / "tmp")},
        )
        container = Container("docker", name, {"DOCKER_HOST": listen})
        deadline = time.monotonic() + _TIMEOUT
        while container.run("version", check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"dockerd does not start:\n{log.read_text()[-3000:]}")
            time.sleep(_POLL)
        container.run("import", str(_tar(root, directory)), _TAG)
        container.run("run", "--detach", "--name", name, "--network=none", *options, _TAG, *_KEEP_RUNNING)
        yield container


@contextmanager
def chroot_directory() -> Iterator[Path]:
    """A directory with the root of a lab host that does not run: for ``chroot://`` and its like.

    What is written there is gone afterwards.
    """
    require_lab()
    with Scope() as scope:
        scope.part(_PART)
        merged, _ = scope.overlay(_PART, image().root)
        yield merged


def _install(commands: Mapping[str, str]) -> None:
    require_lab()
    debian.ensure_commands({**commands, "busybox": "busybox-static"})


def _namespaces(scope: Scope) -> tuple[Path, int]:
    """Make the namespaces of an engine; returns the part's directory and the process that keeps them."""
    directory = scope.part(_PART)
    log = directory / "namespaces.log"
    command = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", _NAMESPACES, "sh"]
    process = scope.start(_PART, [*command, str(directory)], log)
    deadline = time.monotonic() + _TIMEOUT
    while "ready" not in log.read_text().split():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"cannot make namespaces for an engine: {log.read_text()}")
        time.sleep(_POLL)
    return directory, process.pid


def _tar(root: Root, directory: Path) -> Path:
    if root != "busybox":
        return image("stock" if root == "debian" else "minimal").tar()
    tree = directory / "busybox"
    for place in ("bin", "etc", "tmp", "root"):
        (tree / place).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    (tree / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    busybox = shutil.which("busybox") or "busybox"
    shutil.copy2(busybox, tree / "bin/busybox")
    for tool in _do([busybox, "--list"], os.environ).stdout.split():
        if tool != "busybox":
            (tree / "bin" / tool).symlink_to("busybox")
    tar = directory / "busybox.tar"
    _do(["tar", "--create", "--numeric-owner", "--directory", str(tree), "--file", str(tar), "."], os.environ)
    return tar


def _do(
    command: Sequence[str], environment: Mapping[str, str], *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    try:
        done = ran(command, timeout=_TIMEOUT, environment=environment)
    except subprocess.TimeoutExpired:
        raise LabError(f"{shlex.join(command)} took more than {_TIMEOUT:.0f} s") from None
    if check and done.returncode:
        raise LabError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done
