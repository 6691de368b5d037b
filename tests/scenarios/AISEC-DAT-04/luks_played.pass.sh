#!/bin/sh
# A volume of LVM on LUKS. The lab has no device mapper: findmnt, lsblk and dmsetup play what they print there.
mkdir -p /mnt/ai_training_data
play() { printf '#!/bin/sh\ncat <<"X"\n%s\nX\n' "$2" > /usr/local/bin/$1; chmod +x /usr/local/bin/$1; }
play findmnt '{"filesystems": [{"target":"/","source":"/dev/vda1","fstype":"ext4","options":"rw"}, {"target":"/mnt/ai_training_data","source":"/dev/mapper/vg-data","fstype":"xfs","options":"rw,relatime"}]}'
play lsblk '{"blockdevices": [{"name":"vg-data","path":"/dev/mapper/vg-data","type":"lvm","fstype":"xfs","uuid":"1","children":[{"name":"luks-2","path":"/dev/mapper/luks-2","type":"crypt","fstype":"LVM2_member","uuid":"2","children":[{"name":"vdb","path":"/dev/vdb","type":"disk","fstype":"crypto_LUKS","uuid":"3"}]}]}]}'
play dmsetup 'luks-2: 0 2064384 crypt aes-xts-plain64 :64:logon:cryptsetup:3-d0 0 254:16 32768'
