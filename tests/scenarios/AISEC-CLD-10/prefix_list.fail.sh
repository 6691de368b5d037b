#!/bin/sh
# The Internet, behind the name of a prefix list.
# host: aws
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
list=$(aws ec2 create-managed-prefix-list --prefix-list-name offices --max-entries 5 --address-family IPv4 --entries Cidr=0.0.0.0/0 --query PrefixList.PrefixListId --output text)
sg=$(aws ec2 create-security-group --group-name nb --description nb --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id $sg --ip-permissions "IpProtocol=tcp,FromPort=8888,ToPort=8888,PrefixListIds=[{PrefixListId=$list}]"
aws ec2 create-network-interface --subnet-id $subnet --groups $sg
