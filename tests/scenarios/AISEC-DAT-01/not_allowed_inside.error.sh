#!/bin/sh
# An unprivileged auditor cannot see what lies in the directory.
# lib: private_data
# as: auditor
# reason: privilege
private_data
