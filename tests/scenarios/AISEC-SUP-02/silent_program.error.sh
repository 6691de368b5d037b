#!/bin/sh
# A program that does not say its version.
# reason: parse
printf "#!/bin/sh\necho Error: no home >&2; exit 1\n" >/usr/local/bin/ollama
chmod 755 /usr/local/bin/ollama
