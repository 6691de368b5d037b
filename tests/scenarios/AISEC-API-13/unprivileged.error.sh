#!/bin/sh
# Who listens is seen by root alone.
# The model server is a double: what is judged are its arguments and environment.
# host: services
# as: auditor
# reason: privilege
double() { name=$1 port=$2; shift 2; ln -sf double.py "/opt/double/$name"
systemd-run -q --unit="double-$port" --uid=ai_user -E PYTHONDONTWRITEBYTECODE=1 -E HOME=/home/ai_user $SET "-EDOUBLE=$ANSWERS" /usr/bin/python3 "/opt/double/$name" "$@"
n=0; until curl -g -s -o /dev/null "http://127.0.0.1:$port/" || curl -g -s -o /dev/null "http://[::1]:$port/"; do sleep 0.1; n=$((n+1)); [ $n -lt 100 ] || return 1; done; }
ANSWERS={}
double vllm 8000 serve tiny --host 127.0.0.1 --port 8000
