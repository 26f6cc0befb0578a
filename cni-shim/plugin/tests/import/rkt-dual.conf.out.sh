# What rkt-dual.conf means, by hand, for one sandbox.
#
# ipv6-lan: ipvlan in mode l3
ip netns add pod
ip link add link eth1 name net1 netns pod mtu 1400 type ipvlan mode l3
ip netns exec pod sysctl -qw net.ipv4.conf.net1.arp_notify=1
ip netns exec pod sysctl -qw net.ipv6.conf.net1.ndisc_notify=1
# the first of 10.1.2.9-10.1.2.20
ip -n pod addr add 10.1.2.9/24 brd + dev net1
# the first of 2001:db8:42::1-2001:db8:42:0:ffff:ffff:ffff:ffff
ip -n pod addr add 2001:db8:42::1/64 nodad dev net1
ip -n pod link set net1 up
ip -n pod route add 172.16.0.0/12 via 10.1.2.254 dev net1
ip -n pod route add 0.0.0.0/0 dev net1
ip -n pod route add ::/0 dev net1
# and back:
# ip -n pod link del net1
