# containerd with containers in the namespace of Kubernetes, labelled as its CRI does, on a host of the kind `services`.
# Behind `containers`.

# containerd_up: with images of busybox, registry.example/app:1 and, of user 1000, registry.example/vllm:1.
containerd_up() {
    test -e /var/lib/busybox || storage
    mkdir -p /var/lib/containerd /run/containerd /etc/containerd
    mount -t tmpfs containerd /var/lib/containerd
    printf 'version = 2\ndisabled_plugins = []\n' > /etc/containerd/config.toml
    touch /etc/resolv.conf
    setsid /usr/bin/containerd > /var/log/containerd.log 2>&1 < /dev/null &
    wait_for ctr version
    tar -C /var/lib/busybox -c . > /var/lib/busybox.tar
    python3 - <<'PYTHON'
import hashlib, io, json, tarfile
layer = open("/var/lib/busybox.tar", "rb").read()
digest = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()
for name, user in {"app": "", "vllm": "1000"}.items():
    about = {"User": user, "Env": ["PATH=/bin"], "Cmd": ["sleep", "9000"]}
    config = {"architecture": "amd64", "os": "linux", "config": about, "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}
    manifest = [{"Config": "config.json", "RepoTags": [f"registry.example/{name}:1"], "Layers": ["layer.tar"]}]
    with tarfile.open(f"/var/lib/{name}.tar", "w") as out:
        for member, data in {"layer.tar": layer, "config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
PYTHON
    for name in app vllm; do
        ctr -n k8s.io images import --snapshotter native "/var/lib/$name.tar" > /dev/null
    done
}

# pod NAMESPACE POD CONTAINER IMAGE OPTION…: starts a container; options are those of `ctr run`.
pod() {
    namespace=$1 pod=$2 name=$3 image=registry.example/$4:1
    shift 4
    id=$(printf '%s' "$namespace/$pod/$name" | sha256sum | cut -c 1-64)
    ctr -n k8s.io run -d --snapshotter native --runc-binary crun --cgroup "$LAB_CGROUP/kubepods/$id" \
        --label io.kubernetes.pod.namespace="$namespace" --label io.kubernetes.pod.name="$pod" \
        --label io.kubernetes.container.name="$name" --label io.cri-containerd.kind=container "$@" \
        "$image" "$id"
}
