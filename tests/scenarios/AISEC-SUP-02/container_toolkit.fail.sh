#!/bin/sh
# The package manager knows an NVIDIA container toolkit with the hole NVIDIAScape.
cat >>/var/lib/dpkg/status <<"EOF"

Package: nvidia-container-toolkit
Status: install ok installed
Priority: optional
Section: utils
Maintainer: NVIDIA CORPORATION <cudatools@nvidia.com>
Architecture: amd64
Version: 1.17.4-1
Description: NVIDIA Container toolkit

EOF
