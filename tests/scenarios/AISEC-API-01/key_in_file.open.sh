#!/bin/sh
# llama-cpp-python is given its key in the file of --config_file; whether it asks for it on every route, nobody tried.
# The model server is a double: what is judged are its arguments and its file.
# host: services
mkdir /opt/double/llama_cpp
ln -s ../double.py /opt/double/llama_cpp/server.py
printf '{"host": "0.0.0.0", "port": 8000, "api_key": "Ahx3eiPh7oox", "models": []}\n' > /etc/llama.json
systemd-run -q --unit=double --uid=ai_user --working-directory=/opt/double -E PYTHONDONTWRITEBYTECODE=1 -E DOUBLE_BIND=0.0.0.0:8000 \
    /usr/bin/python3 -m llama_cpp.server --config_file /etc/llama.json
wait_for listens 8000
