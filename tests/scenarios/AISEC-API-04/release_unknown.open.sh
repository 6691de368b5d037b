#!/bin/sh
# Whether the release brings a password does not show.
# MLflow is a double that plays its answers.
# host: services
# lib: double
ANSWERS={}
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
