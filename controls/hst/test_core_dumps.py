import posixpath
import re
from typing import Annotated

from pydantic import Field

from pytest_aisec import Host, Unobservable, control, foresee, not_applicable
from pytest_aisec.facts.system.processes import QUESTIONS as PROCESSES
from pytest_aisec.facts.system.processes import Process, processes
from pytest_aisec.facts.system.unit_files import configured, question

_DUMPABLE, _PATTERN = "/proc/sys/fs/suid_dumpable", "/proc/sys/kernel/core_pattern"
_KDUMP = "cat /sys/kernel/kexec_crash_loaded"
_DISCARDS = {"/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true"}


def _is_service(process: Process, services: list[str]) -> bool:
    """Tell whether name, program or script of the process is a service's, with or without a version."""
    names = [process.name, *(posixpath.basename(word) for word in process.arguments[:3])]
    known = re.compile(rf"({'|'.join(map(re.escape, services))})(?![a-z])")
    return any(map(known.match, names))


def _sysctl(host: Host, path: str) -> str:
    result = host.run("cat -- %s", path)
    if result.rc != 0:
        raise Unobservable(
            "privilege" if "ermission denied" in result.stderr else "unreadable", result.stderr.strip()
        )
    if not result.stdout:  # the kernel ends every value with a line end, even an empty one
        raise Unobservable("unreadable", f"{path} shows nothing")
    return str(result.stdout).strip()


def _stores_nothing(host: Host) -> bool:
    """Tell whether systemd-coredump is told to store no core."""
    result = host.run(question("coredump.conf"))
    if result.rc != 0 or result.stderr.strip():
        denied = "ermission denied" in result.stderr
        raise Unobservable("privilege" if denied else "unreadable", result.stderr.strip())
    found = configured(result.stdout, "coredump.conf", "Coredump")
    values = [value for key, value in found if key == "Storage"]
    return values[-1:] == ["none"]


def _cores_below(directories: list[str]) -> tuple[str, ...]:
    return (
        "find -L" + " %s" * len(directories) + " -xdev -maxdepth 2 -type f -size +0"
        " \\( -name 'core' -o -name 'core.*' -o -name 'vmcore*' -o -name '*.crash' \\) -print",
        *directories,
    )


def _old_cores(host: Host, directories: list[str], services: list[str]) -> list[str]:
    """Return core files that may be of a service, at most a thousand of them."""
    result = host.run(*_cores_below(directories))
    problems = [line for line in result.stderr.splitlines() if line.strip() and "No such file" not in line]
    if any("ermission denied" in line for line in problems):
        raise Unobservable("privilege", problems[0])
    if problems or (result.rc != 0 and not result.stderr.strip()):
        raise Unobservable("unreadable", problems[0] if problems else f"find: exit status {result.rc}")
    kept = []
    for path in result.stdout.splitlines():
        named = re.fullmatch(r"core\.(?P<name>[^.A-Za-z]*+[A-Za-z][^.]*+)\..*", posixpath.basename(path))
        if named is None or any(named["name"].startswith(service[:15]) for service in services):
            kept.append(path)
    return kept


def _kernel(host: Host) -> tuple[str, dict[str, str]]:
    """Return the program that the kernel hands cores to, if any, and what is wrong with the settings."""
    unsafe: dict[str, str] = {}
    dumpable = _sysctl(host, _DUMPABLE)
    if dumpable != "0":
        unsafe["fs.suid_dumpable"] = dumpable
    pattern = _sysctl(host, _PATTERN)
    handler = (pattern.removeprefix("|").split() or ["?"])[0] if pattern.startswith("|") else ""
    if handler.endswith("/systemd-coredump"):
        if not _stores_nothing(host):
            unsafe["systemd-coredump"] = "Storage is not none"
    elif handler and handler not in _DISCARDS:
        unsafe["kernel.core_pattern"] = f"hands every core to {handler}"
    return handler, unsafe


@control(
    "AISEC-HST-02",
    severity="high",
    needs_running=True,
    objectives=["secure_configuration", "model_confidentiality"],
    nist_800_53=["CM-7", "SC-4", "SC-28", "SI-11"],
    iso_27001=["A.8.10"],
    soc2=["CC7.1"],
    atlas_techniques=["AML.T0037"],
    remediation=(
        'for s in {services}; do for p in $(pgrep -f "$s"); do prlimit --pid "$p" --core=0:0; u=$(ps '
        '-o unit= -p "$p"); case $u in *.service) mkdir -p "/etc/systemd/system/$u.d" && printf '
        "'[Service]\\nLimitCORE=0\\n' > \"/etc/systemd/system/$u.d/zz-no-core.conf\";; esac; done; "
        "done; mkdir -p /etc/systemd/coredump.conf.d /etc/sysctl.d && printf "
        "'[Coredump]\\nStorage=none\\nProcessSizeMax=0\\n' > /etc/systemd/coredump.conf.d/zz-none.conf "
        '&& echo fs.suid_dumpable=0 > /etc/sysctl.d/zz-no-core.conf; test "$(cat '
        '/proc/sys/fs/suid_dumpable)" = 0 || sysctl -w fs.suid_dumpable=0; systemctl daemon-reload; '
        'for d in {core_dirs}; do test ! -d "$d" || find "$d" -xdev -maxdepth 2 -type f \\( -name core '
        "-o -name 'core.*' -o -name 'vmcore*' -o -name '*.crash' \\) -delete; done  # another program "
        "in kernel.core_pattern, and kdump, have to be turned off by their own means"
    ),
)
def test_core_dumps_do_not_leak(
    host: Host,
    *,
    services: Annotated[list[str], Field(min_length=1)] = ["vllm", "ollama", "tritonserver", "ray", "python"],
    core_dirs: Annotated[list[str], Field(min_length=1)] = ["/var/lib/systemd/coredump", "/var/crash"],
    allow_kdump: bool = False,
) -> None:
    """Core dumps cannot leak weights or secrets.

    The core of an inference server holds weights, prompts and keys. Where the kernel hands cores to a
    program, it does not heed the limits of processes: that program must then store none.
    """
    foresee(host, *(("cat -- %s", path) for path in (_DUMPABLE, _PATTERN)), _KDUMP, *PROCESSES)
    foresee(host, _cores_below(core_dirs))
    handler, unsafe = _kernel(host)
    running: list[Process] = []
    if not handler:
        running = [process for process in processes(host) if _is_service(process, services)]
        for process in running:
            if process.core_limit not in {"0", ""}:
                unsafe[f"process {process.pid} {process.name}"] = f"core limit {process.core_limit}"
    kdump = host.run(_KDUMP)
    if kdump.rc == 0 and kdump.stdout.strip() == "1" and not allow_kdump:
        unsafe["kdump"] = "armed: a crash of the kernel writes the whole memory"
    if not unsafe:
        unsafe = dict.fromkeys(_old_cores(host, core_dirs, services), "a core file")
    if not unsafe and not handler and not running:
        not_applicable(f"no process of {', '.join(services)} runs", claims=["services"])
    assert unsafe == {}
