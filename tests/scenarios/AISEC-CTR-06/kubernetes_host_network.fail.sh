#!/bin/sh
# A container of Kubernetes in the network of the node.
# host: services
# lib: containers containerd
containerd_up
pod kube-system exporter-0 exporter vllm --net-host
