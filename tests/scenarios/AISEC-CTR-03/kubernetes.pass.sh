#!/bin/sh
# A container of Kubernetes with readOnlyRootFilesystem.
# host: services
# lib: containers containerd
containerd_up
pod default vllm-0 server vllm --read-only
