# Models, data, a project and an environment in /data, open to all, where no control looks by default.
everything_in_data() {
    mkdir -p /data/train /data/models /data/proj /data/venv/lib/python3.11/site-packages/torch-2.5.1.dist-info
    printf 'home = /usr/bin\n' > /data/venv/pyvenv.cfg
    head -c 300000 /dev/urandom > /data/models/pytorch_model.bin
    head -c 2000 /dev/urandom > /data/train/a.parquet
    printf '[options]\ninstall_requires =\n    torch>=2\n' > /data/proj/setup.cfg
    chmod -R 777 /data
}
