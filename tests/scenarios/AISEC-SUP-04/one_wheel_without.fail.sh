#!/bin/sh
# One of two files that may be installed has no hash.
mkdir -p /opt/app
cat >/opt/app/pylock.toml <<"EOF"
lock-version = "1.0"
created-by = "test"
[[packages]]
name = "torch"
version = "2.4.1"
[[packages.wheels]]
name = "torch-2.4.1-cp311-none-linux_x86_64.whl"
url = "https://example.com/torch-2.4.1-cp311-none-linux_x86_64.whl"
hashes = {sha256 = "ef503165f2341942bfdf2bd520152f19540d0c0e34961232f134dc59ad435be8"}
[[packages.wheels]]
name = "torch-2.4.1-cp312-none-linux_x86_64.whl"
url = "https://example.com/torch-2.4.1-cp312-none-linux_x86_64.whl"
hashes = {}
EOF
