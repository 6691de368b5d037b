#!/bin/sh
# The published password stands in the file of a release that lets nobody in with it.
# MLflow is a double that plays its answers.
# host: services
# lib: mlflow
release '# admin_password ='
password password1234
installed -EMLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini
