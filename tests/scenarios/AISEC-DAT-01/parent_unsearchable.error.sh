#!/bin/sh
# An unprivileged auditor cannot tell whether the directory is there.
# lib: private_data
# as: auditor
# reason: privilege
private_data
chmod 0700 /mnt
