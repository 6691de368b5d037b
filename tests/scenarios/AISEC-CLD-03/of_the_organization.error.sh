#!/bin/sh
# The organization's trail is seen, and what it records is not; played, as moto keeps one account.
# host: aws
# reason: privilege
cat > ~/bin/aws <<'P'
#!/bin/sh
case "$*" in
*describe-trails*)
  echo '{"trailList": [{"Name": "org", "TrailARN": "arn:aws:cloudtrail:us-east-1:999999999999:trail/org", "HomeRegion": "us-east-1", "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true, "IsOrganizationTrail": true, "LogFileValidationEnabled": true, "KmsKeyId": "arn:aws:kms:us-east-1:999999999999:key/1", "HasCustomEventSelectors": true}]}'
  exit 0 ;;
*get-trail-status*)
  echo '{"IsLogging": true, "LatestDeliveryTime": 1}'
  exit 0 ;;
*get-event-selectors*)
  echo "An error occurred (TrailNotFoundException) when calling the GetEventSelectors operation: Unknown trail: org for the user: 123456789012" >&2
  exit 254 ;;
esac
exec "$AWS_CLI" "$@"
P
chmod +x ~/bin/aws
