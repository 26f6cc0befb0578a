# A container of podman on a network that podman made, by CNI plugins: in a mount namespace, a PID namespace and a network
# namespace of the caller's.
#   $FOLDER   its files
#   $DATA     where host-local keeps its addresses
#   $PLUGINS  folders with plugins, in the order in which they are looked for
#   $NAME     the name of the control group
# Prints what the container sees.
set -eu
mount --make-rprivate /
# Its locks and what it remembers are in these, whatever folders it is given.
for folder in /run /dev/shm /var/lib; do mount -t tmpfs tmpfs "$folder"; done
mkdir -p /var/lib/cni/networks
mount --bind "$DATA" /var/lib/cni/networks

rootfs=$FOLDER/rootfs
mkdir -p "$rootfs/bin" "$rootfs/proc" "$rootfs/sys" "$rootfs/dev" "$rootfs/etc" "$rootfs/tmp" "$rootfs/run"
cp /bin/busybox "$rootfs/bin"

# It would raise limits otherwise, which not every root may.
cat > "$FOLDER/containers.conf" << END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "none"
[network]
network_backend = "cni"
cni_plugin_dirs = [$(printf '"%s",' $PLUGINS)]
network_config_dir = "$FOLDER/net.d"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
END
export CONTAINERS_CONF="$FOLDER/containers.conf"
client() { podman --root "$FOLDER/root" --runroot /run/podman --tmpdir /run/libpod --storage-driver vfs "$@"; }
client network create --driver macvlan --opt parent=eth0 --subnet 10.1.2.0/24 lan >&2
code=0
client run --rm --network lan --ip 10.1.2.9 --mac-address 02:00:00:00:00:09 --cgroup-parent "/$NAME" --rootfs "$rootfs" \
    /bin/busybox sh -c 'ip -o addr; ip -o link' || code=$?
client network rm lan >&2
find /sys/fs/cgroup/*/"$NAME" /sys/fs/cgroup/"$NAME" -depth -type d -exec rmdir {} + 2> /dev/null || true
exit "$code"
