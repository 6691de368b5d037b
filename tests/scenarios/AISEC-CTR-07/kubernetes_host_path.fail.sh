#!/bin/sh
# A container of Kubernetes that mounts /etc of the node.
# host: services
# lib: containers containerd
containerd_up
pod default vllm-0 server vllm --mount type=bind,src=/etc,dst=/host,options=rbind:ro
