# MLflow with basic-auth, behind `double: mlflow`.

# password PASSWORD: writes it into the file that MLflow is given.
password() {
    printf '[mlflow]\nadmin_username = admin\nadmin_password = %s\n' "$1" > /etc/basic_auth.ini
}

# mlflow: starts it, and waits until it listens.
mlflow() {
    systemctl set-environment MLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini
    rm -f /opt/double/mlflow
    AS=mlflow /opt/double/start server --host 0.0.0.0 --port 8000 --app-name basic-auth
}

# release LINE: puts the basic_auth.ini that a release brings where it lies, with this line.
release() {
    auth=/opt/mlflow/lib/python3.11/site-packages/mlflow/server/auth
    mkdir -p /opt/mlflow/bin "$auth"
    printf '[mlflow]\nadmin_username = admin\n%s\n' "$1" > "$auth/basic_auth.ini"
}

# installed OPTION…: starts the program of that release, which refuses everybody; options are those of systemd-run.
installed() {
    ln -s /opt/double/double.py /opt/mlflow/bin/mlflow
    systemd-run -q --unit=mlflow --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user \
        '-EDOUBLE={"*": [401, "You are not authenticated"]}' "$@" \
        /usr/bin/python3 /opt/mlflow/bin/mlflow server --host 0.0.0.0 --port 5000 --app-name basic-auth
    wait_for listens 5000
}
