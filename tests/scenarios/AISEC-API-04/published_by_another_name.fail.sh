#!/bin/sh
# The published password stands elsewhere in the file, and MLflow's setting refers to it.
# MLflow is a double that plays its answers.
# host: services
# lib: double
printf "[DEFAULT]\nold = password1234\n[mlflow]\nadmin_username = admin\nadmin_password = %%(old)s\n" > /etc/basic_auth.ini
SET=-EMLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini ANSWERS={}
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
