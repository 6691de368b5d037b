#!/bin/sh
# A service account's home is not below /home.
useradd --system --create-home --home-dir /var/lib/trainer trainer
mkdir -p /var/lib/trainer/.kube
echo x >/var/lib/trainer/.kube/config
chown -R trainer /var/lib/trainer
chmod 0755 /var/lib/trainer /var/lib/trainer/.kube
chmod 0644 /var/lib/trainer/.kube/config
