#!/bin/sh
# A group that nothing uses yet, where the profile wants those judged too.
# host: aws
# params: {attached_only: false}
old=$(aws ec2 create-security-group --group-name old --description old --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $old --protocol -1 --cidr 0.0.0.0/0
