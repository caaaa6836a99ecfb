# What runs in the guest, phase by phase. The host reads the lines that begin with `lab:` and the files in /run/lab.
cd /run/work || exit 1
export NODE_DISABLE_COLORS=1 MIRRORSPACE_LAB_CALLS=/run/lab/process.node

# phase <name> <command...>: its output and its exit code go to files.
phase() {
  name=$1
  case ",@PHASES@," in *",$name,"*) ;; *) return ;; esac
  shift
  echo "lab: begin $name"
  "$@" > "/run/lab/$name.out" 2> "/run/lab/$name.err"
  code=$?
  echo $code > "/run/lab/$name.code"
  echo "lab: end $name $code"
}

control() {
  echo 64 > /proc/sys/vm/nr_hugepages
  modprobe -d /run/kernel test_hmm spm_addr_dev0=0x40000000 spm_addr_dev1=0x50000000 || return 1
  /run/kernel/hmm-tests
}

# conformance <backend> <options> <more...>: the suite on a device of the kernel.
conformance() {
  backend=$1
  options=$2
  shift 2
  node packages/conformance/dist/bin.js --backend "@mirrorspace/native/$backend" --backend-options "$options" --format json "$@"
}

# DRM devices, whichever phases run: one with a display and timelines, one without both.
modprobe -d /run/kernel -a virtio-gpu vgem

phase control control
phase tests node --test-reporter=tap tools/kernel-lab/dist/guest.js
phase private conformance hmm '{"kind":"private"}'
phase coherent conformance hmm '{"kind":"coherent"}'
phase drm conformance drm '{"memory":1048576}' --filter driver/ 'mirror/mapping:*variant=pair'
phase drm-all conformance drm '{"memory":1048576}'
dmesg > /run/lab/dmesg.out
