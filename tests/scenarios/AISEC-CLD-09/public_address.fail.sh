#!/bin/sh
# An elastic address.
# host: aws
ami=$(aws ec2 describe-images --query 'Images[0].ImageId' --output text)
root=$(aws ec2 describe-images --query 'Images[0].RootDeviceName' --output text)
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
id=$(aws ec2 run-instances --image-id $ami --instance-type inf2.xlarge --subnet-id $subnet --no-associate-public-ip-address --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1,HttpEndpoint=enabled --block-device-mappings "DeviceName=$root,Ebs={Encrypted=true,VolumeSize=8}" --query 'Instances[0].InstanceId' --output text)
address=$(aws ec2 allocate-address --domain vpc --query AllocationId --output text)
aws ec2 associate-address --instance-id $id --allocation-id $address
