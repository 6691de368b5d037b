#!/bin/sh
# The password of its own stands in a section that MLflow does not read.
# MLflow is a double that plays its answers.
# host: services
# lib: double
printf "[backup]\nadmin_password = Ahx3eiPh7oox\n[mlflow]\nadmin_username = admin\nadmin_password = password1234\n" > /etc/basic_auth.ini
SET=-EMLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini ANSWERS={}
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
