#!/bin/sh
# All but the metadata service; stopped, but it will start again.
# host: aws
# remedy: {INSTANCE: "$(aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceId' --output text)"}
ami=$(aws ec2 describe-images --query 'Images[0].ImageId' --output text)
root=$(aws ec2 describe-images --query 'Images[0].RootDeviceName' --output text)
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
id=$(aws ec2 run-instances --image-id $ami --instance-type g5.xlarge --subnet-id $subnet --no-associate-public-ip-address --block-device-mappings "DeviceName=$root,Ebs={Encrypted=true,VolumeSize=8}" --query 'Instances[0].InstanceId' --output text)
aws ec2 stop-instances --instance-ids $id
