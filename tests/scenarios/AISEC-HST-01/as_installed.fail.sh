#!/bin/sh
# As Debian installs it.
true
