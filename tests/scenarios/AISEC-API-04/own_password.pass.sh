#!/bin/sh
# Authentication with a password of its own.
# MLflow is a double that plays its answers.
# host: services
# active: yes
double() { name=$1 port=$2; shift 2; ln -sf double.py "/opt/double/$name"
systemd-run -q --unit="double-$port" --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user $SET "-EDOUBLE=$ANSWERS" /usr/bin/python3 "/opt/double/$name" "$@"
n=0; until curl -g -s -o /dev/null "http://127.0.0.1:$port/" || curl -g -s -o /dev/null "http://[::1]:$port/"; do sleep 0.1; n=$((n+1)); [ $n -lt 100 ] || return 1; done; }
printf "[mlflow]\nadmin_username = admin\nadmin_password = Ahx3eiPh7oox\n" > /etc/basic_auth.ini
SET=-EMLFLOW_AUTH_CONFIG_PATH=/etc/basic_auth.ini
ANSWERS='{"*": [401, "You are not authenticated"]}'
double mlflow 5000 server --host 0.0.0.0 --port 5000 --app-name basic-auth
