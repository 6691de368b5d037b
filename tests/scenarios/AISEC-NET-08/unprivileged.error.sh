#!/bin/sh
# Environments and crontabs of others are closed to the auditor.
# as: auditor
# reason: privilege
true
