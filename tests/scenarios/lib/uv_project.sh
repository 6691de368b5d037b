# A project that uv has locked, in /opt/app, and an environment with nothing in it yet; $d is its site-packages.
uv_project() {
    d=/opt/app/.venv/lib/python3.11/site-packages
    mkdir -p $d
    cat > /opt/app/uv.lock <<'LOCK'
version = 1

[[package]]
name = "app"
version = "1.0"
source = { editable = "." }

[[package]]
name = "torch"
version = "2.4.1"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "colorama"
version = "0.4.6"
source = { registry = "https://pypi.org/simple" }
LOCK
}
