# What docker-macvlan.json means, by hand, for one sandbox.
#
# pub-net: macvlan in mode bridge
ip netns add pod-pub-net
ip link add link eth0 name net1 netns pod-pub-net type macvlan mode bridge
ip netns exec pod-pub-net sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 172.16.86.2-172.16.86.254
ip -n pod-pub-net addr add 172.16.86.2/24 brd + dev net1
ip -n pod-pub-net link set net1 up
ip -n pod-pub-net route add 0.0.0.0/0 via 172.16.86.1 dev net1
# and back:
# ip -n pod-pub-net link del net1
#
# macvlan50: macvlan in mode bridge
ip netns add pod-macvlan50
ip link add link eth0 name eth0.50 type vlan id 50
ip link set eth0.50 up
ip link add link eth0.50 name net1 netns pod-macvlan50 type macvlan mode bridge
ip netns exec pod-macvlan50 sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.50.2-192.168.50.254
ip -n pod-macvlan50 addr add 192.168.50.2/24 brd + dev net1
ip -n pod-macvlan50 link set net1 up
ip -n pod-macvlan50 route add 0.0.0.0/0 via 192.168.50.1 dev net1
# and back:
# ip -n pod-macvlan50 link del net1
# ip link del eth0.50    # after its last user, unless it was there before
#
# macnet32: macvlan in mode bridge
ip netns add pod-macnet32
ip link add link eth0 name net1 netns pod-macnet32 type macvlan mode bridge
ip netns exec pod-macnet32 sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.32.128, 192.168.32.130-192.168.32.253
ip -n pod-macnet32 addr add 192.168.32.128/24 brd + dev net1
ip -n pod-macnet32 link set net1 up
ip -n pod-macnet32 route add 0.0.0.0/0 via 192.168.32.254 dev net1
# and back:
# ip -n pod-macnet32 link del net1
#
# dual: macvlan in mode bridge
ip netns add pod-dual
ip link add link eth0 name eth0.218 type vlan id 218
ip link set eth0.218 up
ip link add link eth0.218 name net1 netns pod-dual type macvlan mode bridge
ip netns exec pod-dual sysctl -qw net.ipv4.conf.net1.arp_notify=1
ip netns exec pod-dual sysctl -qw net.ipv6.conf.net1.ndisc_notify=1
# the first of 192.168.216.2-192.168.216.254
ip -n pod-dual addr add 192.168.216.2/24 brd + dev net1
# the first of 2001:db8:abc8::1-2001:db8:abc8::f, 2001:db8:abc8::11-2001:db8:abc8:0:ffff:ffff:ffff:ffff
ip -n pod-dual addr add 2001:db8:abc8::1/64 nodad dev net1
ip -n pod-dual link set net1 up
ip -n pod-dual route add 0.0.0.0/0 via 192.168.216.1 dev net1
ip -n pod-dual route add ::/0 via 2001:db8:abc8::10 dev net1
# and back:
# ip -n pod-dual link del net1
# ip link del eth0.218    # after its last user, unless it was there before
