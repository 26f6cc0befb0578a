# What multus.yml means, by hand, for one sandbox.
# Left out: multus.yml: items[2].spec.config: is of type bridge, expected macvlan or ipvlan
#
# storage: macvlan in mode bridge
ip netns add pod-storage
ip link add link eth1 name net1 netns pod-storage type macvlan mode bridge
ip netns exec pod-storage sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.2.232-192.168.2.235, 192.168.2.237-192.168.2.238
ip -n pod-storage addr add 192.168.2.232/28 brd + dev net1
ip -n pod-storage link set net1 up
# and back:
# ip -n pod-storage link del net1
#
# storage-2: ipvlan in mode l2
ip netns add pod-storage-2
ip link add link eth2 name net1 netns pod-storage-2 type ipvlan mode l2
ip netns exec pod-storage-2 sysctl -qw net.ipv4.conf.net1.arp_notify=1
ip netns exec pod-storage-2 sysctl -qw net.ipv6.conf.net1.ndisc_notify=1
# the first of 10.10.0.5
ip -n pod-storage-2 addr add 10.10.0.5/24 brd + dev net1
# the first of 3ffe:ffff:0:1ff::1
ip -n pod-storage-2 addr add 3ffe:ffff:0:1ff::1/64 nodad dev net1
ip -n pod-storage-2 link set net1 up
ip -n pod-storage-2 route add 0.0.0.0/0 via 10.10.0.254 dev net1
# and back:
# ip -n pod-storage-2 link del net1
