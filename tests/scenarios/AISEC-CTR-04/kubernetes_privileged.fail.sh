#!/bin/sh
# A privileged container of Kubernetes, beside one that is none.
# host: services
# lib: containers containerd
containerd_up
pod default vllm-0 server vllm
pod gpu-operator driver-0 driver app --privileged
