"""What engines and kernels print of containers, as the questions about them frame it."""

import json

from pytest_aisec.facts.containers.processes import NAMESPACES

ID = "c7" * 32
RECORD = {
    "Id": ID,
    "Name": "/server",
    "State": {"Status": "running", "Pid": 32688},
    "Image": f"sha256:{'ac' * 32}",
    "Mounts": [
        {"Type": "bind", "Source": "/srv", "Destination": "/data", "RW": True, "Propagation": "rprivate"}
    ],
    "Config": {"User": "", "Env": ["PATH=/bin", "A=b=c"], "Image": "localhost/server:1"},
    "HostConfig": {
        "NetworkMode": "default",
        "PidMode": "",
        "IpcMode": "private",
        "UTSMode": "",
        "UsernsMode": "",
        "Privileged": False,
        "ReadonlyRootfs": True,
        "SecurityOpt": None,
        "Memory": 0,
        "PidsLimit": None,
        "Devices": [],
        "DeviceCgroupRules": None,
        "Tmpfs": {"/tmp": "rw,size=1m", "/scratch": "ro"},
    },
}
SHIM = f"243 0 own containerd-shim /usr/bin/containerd-shim-runc-v2 -namespace moby -id {ID} -address /x.sock"
DOCKERD = "147 0 own dockerd dockerd --iptables=false"
CONMON = f"226 1003 other conmon /usr/bin/conmon --api-version 1 -c {ID} -u {ID} -r /usr/bin/crun"


def answer(records, *monitors, who="root", status=0, engine="docker /run/docker.sock"):
    text = records if isinstance(records, str) else json.dumps(records, indent=4)
    section = f"={engine}\n=list {status}\n{text}\n\n=inspect 0\n" if engine else ""
    return f"{section}=monitors {who}\n" + "".join(f"{line}\n" for line in monitors)


STATUS = """Name:\tsleep
PPid:\t{parent}
Uid:\t{uid}\t{uid}\t{uid}\t{uid}
CapInh:\t0000000000000000
CapPrm:\t{permitted}
CapEff:\t0000000000000000
CapBnd:\t{bounding}
NoNewPrivs:\t{nnp}
Seccomp:\t{seccomp}
Seccomp_filters:\t{filters}"""
HOST = {
    "parent": 0,
    "uid": 0,
    "permitted": "0",
    "bounding": "000001ffffffffff",
    "nnp": 0,
    "seccomp": 0,
    "filters": 0,
}
USUAL = {
    "parent": 20,
    "uid": 0,
    "permitted": "0",
    "bounding": "00000000a80425fb",
    "nnp": 1,
    "seccomp": 2,
    "filters": 1,
}
NONE = (1, "cat: attr/current: Invalid argument")


def printed(table="", spaces="", enforce=(1, "cat: No such file or directory"), **containers):
    parts = [("enforce", *enforce)]
    for name, changes in {"p1": {}, **containers}.items():
        pid = name[1:]
        values = {**(HOST if pid == "1" else USUAL), **changes}
        parts += [
            (f"{pid} status", 0, STATUS.format(**values)),
            (f"{pid} uid_map", 0, values.get("map", "         0          0 4294967295")),
            (f"{pid} attr/current", *values.get("label", NONE)),
            (f"{pid} mountinfo", *values.get("mounts", (0, "22 1 0:21 / / rw - ext4 /dev/vda rw"))),
            *((f"{pid} {name}", *values.get("ns", (0, f"{name}:[{pid}]"))) for name in NAMESPACES),
        ]
    parts += [("all", 0, table), ("mounts", 0, spaces)]
    return "".join(f"={name}\n{text}\n=is {status}\n" for name, status, text in parts)
