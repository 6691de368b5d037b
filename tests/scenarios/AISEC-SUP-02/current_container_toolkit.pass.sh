#!/bin/sh
# The remediation of container_toolkit.fail.sh: a version outside the range.
cat >>/var/lib/dpkg/status <<"EOF"

Package: nvidia-container-toolkit
Status: install ok installed
Priority: optional
Section: utils
Maintainer: NVIDIA CORPORATION <cudatools@nvidia.com>
Architecture: amd64
Version: 1.19.1-1
Description: NVIDIA Container toolkit

EOF
