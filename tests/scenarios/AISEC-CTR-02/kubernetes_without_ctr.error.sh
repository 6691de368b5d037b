#!/bin/sh
# A container of containerd, and neither ctr nor crictl to ask for it.
# host: services
# lib: containers containerd
# reason: tool_missing
containerd_up
pod default vllm-0 server vllm
rm /usr/bin/ctr
