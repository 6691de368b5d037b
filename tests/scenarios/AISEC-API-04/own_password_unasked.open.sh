#!/bin/sh
# Whether the database has the password of the file does not show.
# MLflow is a double that keeps its password as MLflow does.
# host: services
# lib: mlflow
# double: mlflow
password Ahx3eiPh7oox
mlflow
