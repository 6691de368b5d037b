#!/bin/sh
# The database was made with a password of its own.
# MLflow is a double that keeps its password as MLflow does.
# host: services
# lib: mlflow
# double: mlflow
# active: yes
password Ahx3eiPh7oox
mlflow
