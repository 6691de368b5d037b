# A workstation for machine learning: several accounts with environments, caches, notebooks, servers and containers.
# lib: containers environment jupyter tensorboard double vllm pickles home
for u in ai_user operator; do
    h=$(getent passwd $u | cut -d: -f6)
    mkdir -p $h/.cache/huggingface/hub $h/miniconda3/envs/train/lib/python3.11/site-packages/torch-2.7.1.dist-info \
        $h/miniconda3/envs/train/conda-meta $h/miniconda3/conda-meta $h/work/rag $h/work/notebooks $h/.ssh $h/.config/pip $h/.kube $h/.aws
    : > $h/miniconda3/envs/train/conda-meta/history
    : > $h/miniconda3/conda-meta/history
    printf 'name: train\ndependencies:\n  - python=3.11\n  - pip:\n      - torch==2.7.1\n' > $h/work/rag/environment.yml
    printf '[project]\nname = "rag"\nversion = "1"\ndependencies = ["transformers>=4", "langchain"]\n' > $h/work/rag/pyproject.toml
    printf '{"cells": [{"cell_type": "code", "source": ["!pip install torch\\n"]}], "nbformat": 4}' > $h/work/notebooks/a.ipynb
    printf '# /// script\n# dependencies = ["torch"]\n# ///\n' > $h/work/one.py
    printf 'FROM python:3.12\nRUN pip install torch transformers\n' > $h/work/rag/Dockerfile
    printf '[global]\nextra-index-url = https://download.pytorch.org/whl/cu121\n' > $h/.config/pip/pip.conf
    printf 'hf_x' > $h/.cache/huggingface/token
    printf '[default]\naws_access_key_id = x\n' > $h/.aws/credentials
    printf 'export HF_HOME=$HOME/.cache/huggingface\nexport PATH="$HOME/miniconda3/bin:$PATH"\n' >> $h/.bashrc
    chmod 600 $h/.aws/credentials
    head -c 300000 /dev/urandom > $h/.cache/huggingface/hub/w.safetensors
    printf 'GGUF\003\000\000\000' > $h/work/llama.gguf
    chown -R $u: $h
done
pickles <<'P'
checkpoint("/home/ai_user/work/best.pt", TORCH)
P
mkdir -p /usr/share/ollama/.ollama/models/blobs /home/ai_user/work/notebooks/.ipynb_checkpoints
printf 'GGUF\003\000\000\000' > /usr/share/ollama/.ollama/models/blobs/sha256-00
environment
mkdir -p $d/torch-2.7.1.dist-info
printf 'home = /usr/bin\n' > /opt/app/venv/pyvenv.cfg
printf 'torch\n' > /opt/app/requirements.txt
# What runs
jupyter ai_user 8888 --IdentityProvider.token=0123456789abcdef0123456789abcdef0123456789abcdef
tensorboard
ANSWERS='{"GET /": [200, "Ollama is running"], "GET /api/version": [200, "{\"version\": \"0.20.0\"}"], "GET /api/tags": [200, "{\"models\": []}"]}'
double ollama 11434 serve --port 11434
ANSWERS='{"GET /": [200, "<title>code-server</title>"]}'
double code-server 8080 --port 8080
rootless_podman ai_user run -d --network=none --name rag localhost/busybox:1 sleep 9000 > /dev/null
docker_up
in_docker --name db
usermod -aG docker ai_user
(cd /home/ai_user/work/rag && setpriv --reuid ai_user --regid ai_team --clear-groups sh -c 'sleep 9000 > /dev/null 2>&1 &')
ssh -o BatchMode=yes -o StrictHostKeyChecking=no nobody@127.0.0.1 true 2> /dev/null || :
