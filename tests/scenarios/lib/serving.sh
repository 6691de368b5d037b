# A process that looks like vLLM: a script of that name, which does nothing.

# What changes right after the start may as well have been read.
settled() { test "$(ps -o etimes= -p "$(systemctl show --value -p MainPID serving)")" -ge 1; }

# serving [OPTION…] /usr/local/bin/vllm ARGUMENT…: runs it as a unit; options are those of systemd-run.
serving() {
    printf '#!/bin/sh\nwhile :; do sleep 5; done\n' > /usr/local/bin/vllm
    chmod 755 /usr/local/bin/vllm
    systemd-run --quiet --unit=serving "$@"
    wait_for runs vllm
    wait_for settled
}
