#!/bin/sh
# An unprivileged user cannot ask sshd.
# as: auditor
# reason: privilege
true
