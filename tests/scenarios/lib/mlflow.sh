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
