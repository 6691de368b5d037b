#!/bin/sh
# Logs are closed to the auditor.
# as: auditor
# reason: privilege
true
