#!/bin/sh
# A server that has replaced its arguments. It is a double: a process of that name.
# host: services
# reason: unreadable
systemd-run -q --unit=vllm bash -c 'exec -a VLLM::APIServer_0 sleep 1000'
wait_for runs sleep
