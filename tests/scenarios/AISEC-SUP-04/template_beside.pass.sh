#!/bin/sh
# A template of projects and a broken file that names no package of interest lie beside what has hashes.
mkdir -p /srv/app
echo 'torch==2.5.1 --hash=sha256:abababababababababababababababababababababababababababababababab' > /srv/app/requirements.txt
mkdir -p '/srv/template/{{cookiecutter.slug}}'
cat > '/srv/template/{{cookiecutter.slug}}/pyproject.toml' <<'EOF'
[project]
name = "x"
dependencies = [{% for one in cookiecutter.deps %}{{ one }},{% endfor %} torch]
EOF
mkdir -p /srv/notes
cat > /srv/notes/pyproject.toml <<'EOF'
[project
EOF
