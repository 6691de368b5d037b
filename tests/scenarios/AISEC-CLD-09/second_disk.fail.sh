#!/bin/sh
# The disk that was attached later, with the data, is not encrypted.
# host: aws
ami=$(aws ec2 describe-images --query 'Images[0].ImageId' --output text)
root=$(aws ec2 describe-images --query 'Images[0].RootDeviceName' --output text)
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
id=$(aws ec2 run-instances --image-id $ami --instance-type g5.xlarge --subnet-id $subnet --no-associate-public-ip-address --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1,HttpEndpoint=enabled --block-device-mappings "DeviceName=$root,Ebs={Encrypted=true,VolumeSize=8}" --query 'Instances[0].InstanceId' --output text)
zone=$(aws ec2 describe-instances --instance-ids $id --query 'Reservations[0].Instances[0].Placement.AvailabilityZone' --output text)
disk=$(aws ec2 create-volume --availability-zone $zone --size 8 --query VolumeId --output text)
aws ec2 attach-volume --instance-id $id --volume-id $disk --device /dev/sdf
