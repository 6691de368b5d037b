#!/bin/sh
# There is no access log.
true
