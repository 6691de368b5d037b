#!/bin/sh
# There is no data directory.
true
