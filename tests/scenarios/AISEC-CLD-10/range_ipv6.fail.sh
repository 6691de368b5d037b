#!/bin/sh
# A range that covers the notebook's port, for all of IPv6, in the second region.
# host: aws
# params: {regions: [us-east-1, eu-west-1]}
subnet=$(aws ec2 describe-subnets --region eu-west-1 --query 'Subnets[0].SubnetId' --output text)
sg=$(aws ec2 create-security-group --region eu-west-1 --group-name nb --description nb --query GroupId --output text)
aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id $sg --ip-permissions 'IpProtocol=tcp,FromPort=8000,ToPort=9000,Ipv6Ranges=[{CidrIpv6=::/0}]'
aws ec2 create-network-interface --region eu-west-1 --subnet-id $subnet --groups $sg
