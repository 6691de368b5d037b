#!/bin/sh
# A web port for everyone, AI ports for the office, a range that only a forgotten group opens.
# host: aws
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
sg=$(aws ec2 create-security-group --group-name web --description web --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $sg --protocol tcp --port 443 --cidr 0.0.0.0/0
aws ec2 authorize-security-group-ingress --group-id $sg --protocol tcp --port 8888 --cidr 198.51.100.0/24
aws ec2 authorize-security-group-ingress --group-id $sg --protocol udp --port 8000-8100 --cidr 0.0.0.0/0
aws ec2 create-network-interface --subnet-id $subnet --groups $sg
old=$(aws ec2 create-security-group --group-name old --description old --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $old --protocol tcp --port 0-65535 --cidr 0.0.0.0/0
