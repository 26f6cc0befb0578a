# What docker-ipvlan.json means, by hand, for one sandbox.
#
# db-net: ipvlan in mode l2
ip netns add pod-db-net
ip link add link eth0 name net1 netns pod-db-net type ipvlan mode l2
ip netns exec pod-db-net sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.1.2-192.168.1.254
ip -n pod-db-net addr add 192.168.1.2/24 brd + dev net1
ip -n pod-db-net link set net1 up
ip -n pod-db-net route add 0.0.0.0/0 via 192.168.1.1 dev net1
# and back:
# ip -n pod-db-net link del net1
#
# ipvlan30: ipvlan in mode l2
ip netns add pod-ipvlan30
ip link add link eth0 name eth0.30 type vlan id 30
ip link set eth0.30 up
ip link add link eth0.30 name net1 netns pod-ipvlan30 type ipvlan mode l2
ip netns exec pod-ipvlan30 sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.30.1-192.168.30.254
ip -n pod-ipvlan30 addr add 192.168.30.1/24 brd + dev net1
ip -n pod-ipvlan30 link set net1 up
# and back:
# ip -n pod-ipvlan30 link del net1
# ip link del eth0.30    # after its last user, unless it was there before
#
# ipvlan114: ipvlan in mode l2
ip netns add pod-ipvlan114
ip link add link eth0 name eth0.114 type vlan id 114
ip link set eth0.114 up
ip link add link eth0.114 name net1 netns pod-ipvlan114 type ipvlan mode l2
ip netns exec pod-ipvlan114 sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.114.1-192.168.114.253
ip -n pod-ipvlan114 addr add 192.168.114.1/24 brd + dev net1
ip -n pod-ipvlan114 link set net1 up
ip -n pod-ipvlan114 route add 0.0.0.0/0 via 192.168.114.254 dev net1
# and back:
# ip -n pod-ipvlan114 link del net1
# ip link del eth0.114    # after its last user, unless it was there before
#
# ipnet210: ipvlan in mode l3
ip netns add pod-ipnet210
ip link add link eth1 name net1 netns pod-ipnet210 type ipvlan mode l3
ip netns exec pod-ipnet210 sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.214.1-192.168.214.254
ip -n pod-ipnet210 addr add 192.168.214.1/24 brd + dev net1
ip -n pod-ipnet210 link set net1 up
ip -n pod-ipnet210 route add 0.0.0.0/0 dev net1
# and back:
# ip -n pod-ipnet210 link del net1
#
# l3s: ipvlan in mode l3s
ip netns add pod-l3s
ip link add link eth1 name net1 netns pod-l3s type ipvlan mode l3s private
ip netns exec pod-l3s sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.215.2-192.168.215.254
ip -n pod-l3s addr add 192.168.215.2/24 brd + dev net1
ip -n pod-l3s link set net1 up
ip -n pod-l3s route add 0.0.0.0/0 dev net1
# and back:
# ip -n pod-l3s link del net1
#
# vepa: ipvlan in mode l2
ip netns add pod-vepa
ip link add link eth2 name net1 netns pod-vepa type ipvlan mode l2 vepa
ip netns exec pod-vepa sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 192.168.217.1-192.168.217.254
ip -n pod-vepa addr add 192.168.217.1/24 brd + dev net1
ip -n pod-vepa link set net1 up
# and back:
# ip -n pod-vepa link del net1
