#!/bin/sh
# A closed directory may hold anything.
# as: auditor
# reason: privilege
mkdir -p /srv/models
mkdir -m 700 /srv/models/a
