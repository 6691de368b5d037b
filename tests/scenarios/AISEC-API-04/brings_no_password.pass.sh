#!/bin/sh
# A release that brings no password, and lets nobody in with the former ones.
# MLflow is a double that plays its answers.
# host: services
# lib: mlflow
# active: yes
release '# admin_password ='
installed
