#!/bin/sh
# Environments of others are closed to the auditor.
# as: auditor
# reason: privilege
true
