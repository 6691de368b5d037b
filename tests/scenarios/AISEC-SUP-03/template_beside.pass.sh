#!/bin/sh
# A template of projects, which is no TOML, and a broken file that names none of the packages lie beside what is pinned.
mkdir -p /srv/app
echo torch==2.5.1 > /srv/app/requirements.txt
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
