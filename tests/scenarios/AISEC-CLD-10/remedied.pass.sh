#!/bin/sh
# Opened, and closed as the remediation says.
# host: aws
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
sg=$(aws ec2 create-security-group --group-name nb --description nb --query GroupId --output text)
aws ec2 create-network-interface --subnet-id $subnet --groups $sg
aws ec2 authorize-security-group-ingress --group-id $sg --protocol tcp --port 8888 --cidr 0.0.0.0/0
aws ec2 revoke-security-group-ingress --group-id $sg --protocol tcp --port 8888 --cidr 0.0.0.0/0
aws ec2 authorize-security-group-ingress --group-id $sg --protocol tcp --port 8888 --cidr 198.51.100.7/32
