#!/bin/sh
# A typo in the declared root.
# params: {env_roots: [/opt/ap]}
mkdir -p /opt/app
