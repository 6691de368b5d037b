#!/bin/sh
# Who listens is seen by root alone.
# MLflow is a double that plays its answers.
# host: services
# lib: double
# as: auditor
# reason: privilege
ANSWERS={}
double mlflow 5000 server --host 127.0.0.1 --port 5000
