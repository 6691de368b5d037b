#!/bin/sh
# No GPU: a web server, and a GPU instance that has been terminated.
# host: aws
ami=$(aws ec2 describe-images --query 'Images[0].ImageId' --output text)
aws ec2 run-instances --image-id $ami --instance-type m5.large
gone=$(aws ec2 run-instances --image-id $ami --instance-type g5.xlarge --query 'Instances[0].InstanceId' --output text)
aws ec2 terminate-instances --instance-ids $gone
