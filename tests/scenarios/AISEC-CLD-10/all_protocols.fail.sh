#!/bin/sh
# Everything for everybody, written as two halves.
# host: aws
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
sg=$(aws ec2 create-security-group --group-name any --description any --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $sg --ip-permissions 'IpProtocol=-1,IpRanges=[{CidrIp=0.0.0.0/1},{CidrIp=128.0.0.0/1}]'
aws ec2 create-network-interface --subnet-id $subnet --groups $sg
