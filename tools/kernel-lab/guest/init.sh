#!/bin/sh
# The guest's first process. Its root is the host's, read-only; `lab` is what the host shares for this run.
export PATH='@NODE@':/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin HOME=/run
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t debugfs debug /sys/kernel/debug
mkdir -p /run/work /run/kernel /run/lab
# Before anything covers the place where they may lie.
mount --bind '@WORK@' /run/work
mount --bind '@KERNEL@' /run/kernel
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none lab /run/lab
mount -t tmpfs tmp /tmp
echo "lab: up"
sh /run/lab/run.sh
echo "lab: done"
sync
echo b > /proc/sysrq-trigger
sleep 60
