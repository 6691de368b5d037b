#!/bin/sh
# An established connection to an address outside the allowlist.
# lib: outbound
outbound
