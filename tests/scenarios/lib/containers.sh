# Docker and podman on a host of the kind `services`, with images of busybox; there is no registry.
umask 022

# Cgroups of version 1, where the machine has those; what engines make lies below the lab's own.
cgroups() {
    test "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs || return 0
    mount -t tmpfs cgroups /sys/fs/cgroup
    for c in memory pids cpu cpuacct cpuset devices freezer blkio; do
        mkdir "/sys/fs/cgroup/$c"
        mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c" || rmdir "/sys/fs/cgroup/$c"
    done
    mkdir /sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
}

# Both engines keep their state in memory.
storage() {
    cgroups
    mkdir -p /var/lib/containers /var/lib/docker /var/lib/busybox/bin /var/lib/busybox/etc
    mount -t tmpfs containers /var/lib/containers
    mount -t tmpfs docker /var/lib/docker
    rm -rf /run/containers /run/libpod # where podman has noted at boot what it cannot do on the disk
    cat > /etc/containers/containers.conf <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
CONF
    cp /bin/busybox /var/lib/busybox/bin/
    for tool in sh sleep id; do ln -s busybox "/var/lib/busybox/bin/$tool"; done
    cp /bin/busybox /var/lib/busybox/bin/su
    chmod 4755 /var/lib/busybox/bin/su
    printf 'root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\ntoor::0:0::/:/bin/sh\n' > /var/lib/busybox/etc/passwd
    mkdir -p /var/lib/busybox/tmp /var/lib/busybox/data
}

podman_up() {
    test -e /var/lib/busybox || storage
    tar -C /var/lib/busybox -c . | podman import -q - localhost/busybox:1 > /dev/null
}

# Options go to dockerd.
docker_up() {
    test -e /var/lib/busybox || storage
    setsid dockerd --iptables=false --bridge=none --cgroup-parent="$LAB_CGROUP" "$@" \
        > /var/log/dockerd.log 2>&1 < /dev/null &
    for t in $(seq 300); do
        if docker version > /dev/null 2>&1; then
            tar -C /var/lib/busybox -c . | docker import - localhost/busybox:1 > /dev/null
            return
        fi
        sleep 0.1
    done
    cat /var/log/dockerd.log >&2
    return 1
}

in_podman() {
    podman run -d --network=none --cgroup-parent="$LAB_CGROUP" "$@" localhost/busybox:1 sleep 9000 > /dev/null
}

in_docker() {
    docker run -d --network=none "$@" localhost/busybox:1 sleep 9000 > /dev/null
}

# rootless_podman USER ARGUMENTS: that user's own podman, with the image of busybox in its own store.
rootless_podman() {
    user=$1
    shift
    test -e /var/lib/busybox || storage
    id=$(id -u "$user")
    run=/run/user/$id
    mkdir -p "$run" "/home/$user/.local/share/containers"
    mount -t tmpfs -o mode=700 containers "/home/$user/.local/share/containers"
    chown -R "$user:" "$run" "/home/$user"
    chmod 700 "$run"
    tar -C /var/lib/busybox --owner=0 --group=0 -cf /var/lib/busybox.tar .
    as_user import -q /var/lib/busybox.tar localhost/busybox:1
    as_user "$@"
}

as_user() {
    setpriv --reuid "$id" --regid "$id" --clear-groups \
        env -C / HOME="/home/$user" XDG_RUNTIME_DIR="$run" podman "$@"
}

# A registry on 127.0.0.1:5000 that hands out the image of busybox as models/server; sets $digest.
registry() {
    test -e /var/lib/containers/storage || podman_up
    podman push -q --format v2s2 localhost/busybox:1 dir:/var/lib/registry
    digest=sha256:$(sha256sum /var/lib/registry/manifest.json | cut -d ' ' -f 1)
    setsid python3 - > /dev/null 2>&1 < /dev/null <<'PYTHON' &
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Registry(BaseHTTPRequestHandler):
    def do_GET(self):
        what, name = self.path.rsplit("/", 2)[-2:]
        path = Path("/var/lib/registry", "manifest.json" if what == "manifests" else name.removeprefix("sha256:"))
        body = path.read_bytes() if what in {"manifests", "blobs"} else b"{}"
        kind = "vnd.docker.distribution.manifest.v2+json" if what == "manifests" else "octet-stream"
        self.send_response(200)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET


HTTPServer(("127.0.0.1", 5000), Registry).serve_forever()
PYTHON
    for t in $(seq 50); do
        curl -s http://127.0.0.1:5000/v2/ > /dev/null && return
        sleep 0.1
    done
    echo 'the registry does not answer' >&2
    return 1
}

# report IMAGE_ID [SEVERITY [FIXED_VERSION [AGE]]]: a report as trivy writes it, on an image with one package.
report() {
    found=
    case ${2:-NONE} in NONE) ;; *)
        found=", \"Vulnerabilities\": [{\"VulnerabilityID\": \"CVE-2099-0001\", \"PkgID\": \"busybox@1.35.0\",
          \"PkgName\": \"busybox\", \"InstalledVersion\": \"1.35.0\", \"FixedVersion\": \"$3\", \"Severity\": \"$2\"}]"
        ;;
    esac
    cat <<JSON
{
  "SchemaVersion": 2,
  "Trivy": {"Version": "0.68.2"},
  "CreatedAt": "$(date -u -d "${4:-now}" +%Y-%m-%dT%H:%M:%S.000000005Z)",
  "ArtifactName": "localhost/busybox:1",
  "ArtifactType": "container_image",
  "Metadata": {"OS": {"Family": "debian", "Name": "12.9"}, "ImageID": "sha256:${1#sha256:}"},
  "Results": [
    {"Target": "localhost/busybox:1 (debian 12.9)", "Class": "os-pkgs", "Type": "debian"$found}
  ]
}
JSON
}

# version [AGE]: what `trivy --version --format json` prints, with a database of that age.
version() {
    when=$(date -u -d "${1:--1hour}" +%Y-%m-%dT%H:%M:%S.999999999Z)
    printf '{"Version": "0.68.2", "VulnerabilityDB": {"Version": 2, "NextUpdate": "%s", "UpdatedAt": "%s"}}\n' \
        "$when" "$when"
}

# stored NAME IMAGE_ID [SEVERITY …]: a report where audits look for it, and what wrote it.
stored() {
    name=$1
    shift
    mkdir -p /var/lib/aisec/trivy
    report "$@" > "/var/lib/aisec/trivy/$name.json"
    version > /var/lib/aisec/trivy/version.json
}

# trivy_player [SEVERITY FIXED_VERSION]: a program that plays trivy on docker's busybox, offline.
trivy_player() {
    mkdir -p /usr/local/share/trivy
    version > /usr/local/share/trivy/version
    report "$(docker image inspect --format '{{.Id}}' localhost/busybox:1)" "$@" > /usr/local/share/trivy/report
    cat > /usr/local/bin/trivy <<'PLAYER'
#!/bin/sh
case " $* " in
*' --version '*) exec cat /usr/local/share/trivy/version ;;
*' image '*localhost/busybox:1*) exec cat /usr/local/share/trivy/report ;;
esac
echo 'FATAL unable to find the specified image' >&2
exit 1
PLAYER
    chmod 755 /usr/local/bin/trivy
}
