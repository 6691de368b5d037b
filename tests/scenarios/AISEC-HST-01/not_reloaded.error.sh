#!/bin/sh
# Hardened on paper, and the server was not reloaded: a password still opens the door.
# lib: hardened_sshd
# reason: stale
harden no
