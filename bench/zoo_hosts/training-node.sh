# A training node in use: data, weights, a project, an environment, jobs, containers, dashboards and logs.
# lib: containers dataset environment jupyter tensorboard double vllm ray pickles private_models hardened_sshd
harden prohibit-password
systemctl restart ssh
# Models and data
private_models
pickles <<'P'
checkpoint("/srv/models/step-1000.pt", TORCH)
P
printf 'GGUF\003\000\000\000' > /srv/models/tiny.gguf
mkdir -p /home/ai_user/.cache/huggingface/hub/models--org--tiny/blobs /home/ai_user/.cache/huggingface/hub/models--org--tiny/snapshots/1a
head -c 300000 /dev/urandom > /home/ai_user/.cache/huggingface/hub/models--org--tiny/blobs/ab
ln -s ../../blobs/ab /home/ai_user/.cache/huggingface/hub/models--org--tiny/snapshots/1a/model.safetensors
echo hf_secret > /home/ai_user/.cache/huggingface/token
dataset
cd /
head -c 20000 /dev/urandom > /mnt/ai_training_data/shards/a.parquet
# A project with its environment, and a template beside it that is no project yet
environment
mkdir -p $d/torch-2.7.1.dist-info $d/transformers-4.52.4.dist-info $d/deepspeed-0.16.5.dist-info
printf 'home = /usr/bin\n' > /opt/app/venv/pyvenv.cfg
hash=0b5f88afdfa05a335d80351e3cea57d38e578c8689f751d35e0ff36bce872113
printf '%s --hash=sha256:%s\n' torch==2.7.1 $hash transformers==4.52.4 $hash > /opt/app/requirements.txt
mkdir -p '/opt/app/templates/{{cookiecutter.name}}'
printf '[project]\nname = "{{ cookiecutter.name }}"\n{%% if cookiecutter.torch %%}\n' > '/opt/app/templates/{{cookiecutter.name}}/pyproject.toml'
printf '[global]\nindex-url = https://pypi.example.org/simple\n' > /etc/pip.conf
mkdir -p /etc/security/limits.d /etc/exports.d
echo '* hard core 0' > /etc/security/limits.d/core.conf
chown -R ai_user:ai_team /home/ai_user
# What runs
jupyter ai_user 8888 --IdentityProvider.token=0123456789abcdef0123456789abcdef0123456789abcdef
tensorboard
ln -sf double.py /opt/double/train.py
printf 'import time\ntime.sleep(9000)\n' > /opt/app/train.py
systemd-run -q --unit=train --uid=ai_user /usr/bin/python3 /opt/app/train.py --data /mnt/ai_training_data --deepspeed ds.json
ANSWERS='{"GET /metrics": [200, "DCGM_FI_DEV_GPU_UTIL 1"]}'
double dcgm-exporter 9400 --port 9400
HOW=
ray
docker_up
in_docker --name job --user 1000:1000 --read-only -v /mnt/ai_training_data:/data:ro -e CUDA_VISIBLE_DEVICES=0
docker exec -d job sleep 8000
podman_up
in_podman --name notebook
# Its packet filter and its logs
for tables in iptables ip6tables; do
    $tables -I OUTPUT -o lo -j ACCEPT
    $tables -I OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    $tables -A OUTPUT -p udp --dport 53 -j ACCEPT
    $tables -A OUTPUT -m owner --uid-owner ai_user -p tcp --dport 443 -j ACCEPT
    $tables -P OUTPUT DROP
done
iptables -I OUTPUT -d 198.51.100.7 -j LOG --log-prefix 'SUSPECT_OUT: '
printf '/mnt/ai_training_data 10.77.0.0/16(ro,root_squash)\n' > /etc/exports
mkdir -p /var/log/api
for n in 1 2 3; do printf '{"timestamp": "%s", "client_ip": "203.0.113.5", "status_code": 200, "principal": "a", "request_id": "%s", "model": "tiny"}\n' "$(date -u +%FT%TZ)" $n; done > /var/log/api/api_access.log
logger -p kern.info 'started'
ssh -o BatchMode=yes -o StrictHostKeyChecking=no nobody@127.0.0.1 true 2> /dev/null || :
