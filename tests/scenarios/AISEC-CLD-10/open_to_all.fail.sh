#!/bin/sh
# The port of notebooks is open to everybody.
# host: aws
# remedy: {GROUP: "$(aws ec2 describe-security-groups --filters Name=group-name,Values=nb --query 'SecurityGroups[0].GroupId' --output text)", PORT: "8888"}
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
sg=$(aws ec2 create-security-group --group-name nb --description nb --query GroupId --output text)
aws ec2 create-network-interface --subnet-id $subnet --groups $sg
aws ec2 authorize-security-group-ingress --group-id $sg --protocol tcp --port 8888 --cidr 0.0.0.0/0
