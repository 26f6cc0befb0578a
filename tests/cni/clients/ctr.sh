# A container of `ctr run --cni`, with a containerd of its own: in a mount namespace and a network namespace of the caller's.
#   $FOLDER   its files; $FOLDER/10-lan.conflist is the configuration
#   $PLUGINS  folders with plugins, in the order in which they are looked for
#   $NAME     containerd's namespace, and the name of the control group
# Prints what the container sees.
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /run
# ctr knows no other folders than /etc/cni/net.d and /opt/cni/bin.
mkdir "$FOLDER/etc"
mount -t tmpfs tmpfs "$FOLDER/etc"
mkdir "$FOLDER/etc/upper" "$FOLDER/etc/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$FOLDER/etc/upper,workdir=$FOLDER/etc/work" /etc
rm -rf /etc/cni
mkdir -p /etc/cni/net.d
cp "$FOLDER/10-lan.conflist" /etc/cni/net.d
mount -t tmpfs tmpfs /opt
mkdir -p /opt/cni/bin
# The first that has a name wins.
for folder in $PLUGINS; do cp -L -n "$folder"/* /opt/cni/bin; done

rootfs=$FOLDER/rootfs
mkdir -p "$rootfs/bin" "$rootfs/proc" "$rootfs/sys" "$rootfs/dev" "$rootfs/etc" "$rootfs/tmp"
cp /bin/busybox "$rootfs/bin"

containerd --root "$FOLDER/root" --state /run/c --address /run/c.sock --config /dev/null 2> "$FOLDER/log" &
daemon=$!
client() { ctr --address /run/c.sock --namespace "$NAME" "$@"; }
for _ in $(seq 200); do ! client version > /dev/null 2>&1 || break; sleep 0.1; done
code=0
client run --rm --rootfs --cni "$rootfs" one /bin/busybox ip -o addr || code=$?
kill "$daemon"
wait "$daemon" || true
# What runc leaves: the group above the container's.
for group in /sys/fs/cgroup/*/"$NAME" /sys/fs/cgroup/"$NAME"; do [ ! -d "$group" ] || rmdir "$group"; done
exit "$code"
