#!/bin/sh
# A GPU instance as it should be, and a web server that is not judged.
# host: aws
ami=$(aws ec2 describe-images --query 'Images[0].ImageId' --output text)
root=$(aws ec2 describe-images --query 'Images[0].RootDeviceName' --output text)
subnet=$(aws ec2 describe-subnets --query 'Subnets[0].SubnetId' --output text)
aws ec2 run-instances --image-id $ami --instance-type p5.48xlarge --subnet-id $subnet --no-associate-public-ip-address --metadata-options HttpTokens=required,HttpPutResponseHopLimit=1,HttpEndpoint=enabled --block-device-mappings "DeviceName=$root,Ebs={Encrypted=true,VolumeSize=8}"
aws ec2 run-instances --image-id $ami --instance-type t3.micro --subnet-id $subnet --associate-public-ip-address
