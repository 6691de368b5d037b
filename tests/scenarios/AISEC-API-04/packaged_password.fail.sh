#!/bin/sh
# The password that the release brings; one in the environment is not read by it.
# MLflow is a double that plays its answers.
# host: services
# lib: mlflow
release 'admin_password = password1234'
installed -EMLFLOW_AUTH_ADMIN_PASSWORD=Ahx3eiPh7oox
