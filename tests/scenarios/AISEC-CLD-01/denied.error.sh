#!/bin/sh
# May not list log groups: a player gives the answer that moto has no way to give for one operation.
# host: aws
# reason: privilege
cat > ~/bin/aws <<'P'
#!/bin/sh
case "$*" in
*describe-log-groups*)
  echo >&2
  echo "An error occurred (AccessDeniedException) when calling the DescribeLogGroups operation: User: arn:aws:sts::123456789012:user/moto is not authorized to perform: logs:DescribeLogGroups on resource: arn:aws:logs:us-east-1:123456789012:log-group::log-stream:" >&2
  exit 254 ;;
esac
exec "$AWS_CLI" "$@"
P
chmod +x ~/bin/aws
