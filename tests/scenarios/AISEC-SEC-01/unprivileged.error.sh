#!/bin/sh
# An unprivileged auditor cannot see into the homes.
# lib: home
# as: auditor
# reason: privilege
home
credential .netrc 0600
