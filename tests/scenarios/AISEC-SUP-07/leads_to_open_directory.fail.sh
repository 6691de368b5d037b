#!/bin/sh
# A .pth file adds a directory that anybody may write.
# lib: environment
environment
mkdir -p /var/lib/extra
chmod 0777 /var/lib/extra
echo /var/lib/extra >$d/extra.pth
