#!/bin/sh
# No daemon.
true
