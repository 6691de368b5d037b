#!/bin/sh
# The token has expired: played, as moto's never does.
# host: aws
# reason: auth
cat > ~/bin/aws <<'P'
#!/bin/sh
case "$*" in "configure list"*) exec "$AWS_CLI" "$@" ;; esac
echo >&2
echo "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired" >&2
exit 254
P
chmod +x ~/bin/aws
