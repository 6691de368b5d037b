#!/bin/sh
# Authentication with a password of its own.
# MLflow is a double that plays its answers.
# host: services
# lib: double
# active: yes
printf "[mlflow]\nadmin_username = admin\nadmin_password = Ahx3eiPh7oox\n" > /etc/basic_auth.ini
SET=-EMLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini
ANSWERS='{"*": [401, "You are not authenticated"]}'
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
