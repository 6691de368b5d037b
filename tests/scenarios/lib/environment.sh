# A virtual environment with torch in it, below /opt/app/venv; $d is its site-packages.
environment() {
    d=/opt/app/venv/lib/python3.11/site-packages
    mkdir -p $d/torch
    : > $d/torch/__init__.py
}
