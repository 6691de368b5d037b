#!/bin/sh
# Who listens on port 22 is seen by root alone.
# as: auditor
# reason: privilege
true
