#!/bin/sh
# An environment of root, with what virtualenv, setuptools and an editable install leave.
# host: services
# lib: environment
environment
echo "import _virtualenv" >$d/_virtualenv.pth
printf %s "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; enabled and __import__('_distutils_hack').add_shim(); " >$d/distutils-precedence.pth
echo "import __editable___app_1_0_finder; __editable___app_1_0_finder.install()" >$d/__editable__.app-1.0.pth
mkdir -p /opt/app/src
echo /opt/app/src >$d/app.pth
mkdir -p /home/ai_user/venv/lib/python3.11/site-packages/numpy
chown -R ai_user:ai_user /home/ai_user/venv
chmod -R g+w /home/ai_user/venv
