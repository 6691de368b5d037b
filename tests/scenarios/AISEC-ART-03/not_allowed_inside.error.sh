#!/bin/sh
# An unprivileged auditor cannot see what lies in a private directory.
# lib: private_models
# as: auditor
# reason: privilege
private_models
