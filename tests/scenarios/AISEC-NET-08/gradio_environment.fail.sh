#!/bin/sh
# Only the environment of a process says that it shares.
systemd-run -q --setenv=GRADIO_SHARE=True sleep 600
wait_for runs sleep
