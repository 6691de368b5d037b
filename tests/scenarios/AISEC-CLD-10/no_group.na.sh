#!/bin/sh
# A region without a network has no security groups.
# host: aws
vpc=$(aws ec2 describe-vpcs --query 'Vpcs[].VpcId' --output text)
for subnet in $(aws ec2 describe-subnets --query 'Subnets[].SubnetId' --output text); do
  aws ec2 delete-subnet --subnet-id $subnet
done
aws ec2 delete-vpc --vpc-id $vpc
