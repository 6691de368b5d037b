#!/bin/sh
# The published password was replaced in the file of a server that has read it before.
# MLflow is a double that plays its answers.
# host: services
# lib: double
# reason: stale
printf "[mlflow]\nadmin_username = admin\nadmin_password = password1234\n" > /etc/basic_auth.ini
SET=-EMLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini ANSWERS={}
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
printf "[mlflow]\nadmin_username = admin\nadmin_password = Ahx3eiPh7oox\n" > /etc/basic_auth.ini
