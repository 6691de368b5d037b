#!/bin/sh
# A container of root, of containerd: docker does not know it.
# host: services
# lib: containers
podman_up
docker_up
podman save -q --format oci-archive localhost/busybox:1 > /var/lib/busybox.tar
alias cri='ctr --address /run/docker/containerd/containerd.sock --namespace k8s.io'
cri images import /var/lib/busybox.tar
cri run --detach --cgroup "$LAB_CGROUP/pod" localhost/busybox:1 pod sleep 9000
