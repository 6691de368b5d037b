#!/bin/sh
# A password of its own came into the file when the database had the published one already.
# MLflow is a double that keeps its password as MLflow does.
# host: services
# lib: mlflow
# double: mlflow
# active: yes
password password1234
mlflow
systemctl stop double
password Ahx3eiPh7oox
mlflow
