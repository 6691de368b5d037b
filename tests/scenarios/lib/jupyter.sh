# Jupyter Server, which hosts of the kind `services` have in /opt/jupyter.

# jupyter USER PORT ARGUMENT…: starts one, and waits until it answers.
jupyter() {
    user=$1 port=$2
    shift 2
    systemd-run -q --unit="jupyter-$port" --uid="$user" -E PYTHONPATH=/opt/jupyter -E PYTHONDONTWRITEBYTECODE=1 \
        -E HOME="$(getent passwd "$user" | cut -d: -f6)" \
        /usr/bin/python3 -m jupyter_server --port="$port" --no-browser "$@"
    wait_for jupyter_answers "$port"
}

jupyter_answers() {
    answers "http://127.0.0.1:$1/api" || answers "http://[::1]:$1/api"
}
