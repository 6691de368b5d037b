#!/bin/sh
# Another retention, in two regions, of the account that it has to be; among more groups than one answer holds.
# host: aws
# params: {regions: [eu-central-1, us-east-1], account_id: "123456789012", log_groups: ["/ai/*", /z]}
for region in eu-central-1 us-east-1; do
  for group in /ai/a /ai/b /z; do
    aws logs create-log-group --region $region --log-group-name $group
    aws logs put-retention-policy --region $region --log-group-name $group --retention-in-days 365
  done
done
