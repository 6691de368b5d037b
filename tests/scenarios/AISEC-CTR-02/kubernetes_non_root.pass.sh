#!/bin/sh
# A container of Kubernetes whose image sets a user.
# host: services
# lib: containers containerd
containerd_up
pod default vllm-0 server vllm
