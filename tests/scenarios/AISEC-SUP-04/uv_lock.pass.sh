#!/bin/sh
# uv.lock has the hash of each file; the project itself has none.
mkdir -p /opt/app
printf "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"torch>=2\"]\n" >/opt/app/pyproject.toml
cat >/opt/app/uv.lock <<"EOF"
version = 1

[[package]]
name = "app"
version = "1"
source = { editable = "." }

[[package]]
name = "torch"
version = "2.4.1"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.pythonhosted.org/t/torch-2.4.1-cp311-none-linux_x86_64.whl", hash = "sha256:ef503165f2341942bfdf2bd520152f19540d0c0e34961232f134dc59ad435be8", size = 1 },
]
EOF
