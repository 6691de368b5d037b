#!/bin/sh
# A release that brings no password, and none in file or environment: its database decides.
# MLflow is a double that plays its answers.
# host: services
# lib: mlflow
release '# admin_password ='
installed
