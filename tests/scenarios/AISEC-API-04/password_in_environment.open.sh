#!/bin/sh
# A password of its own in the environment, which only newer versions read.
# MLflow is a double that plays its answers.
# host: services
# lib: double
SET=-EMLFLOW_AUTH_ADMIN_PASSWORD=Ahx3eiPh7oox ANSWERS={}
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
