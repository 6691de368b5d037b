#!/bin/sh
# A trivy that no package owns is not run to be asked: it may be one of the malicious releases.
printf "#!/bin/sh\ntouch /trivy-was-run\necho Version: 0.69.3\n" >/usr/local/bin/trivy
chmod 755 /usr/local/bin/trivy
