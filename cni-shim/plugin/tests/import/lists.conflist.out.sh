# What lists.conflist means, by hand, for one sandbox.
#
# lab-net: macvlan in mode private
ip netns add pod
ip link add link eth1.70 name net1 netns pod address 02:00:00:00:00:01 mtu 1400 txqueuelen 500 type macvlan mode private bcqueuelen 5000
ip netns exec pod sysctl -qw net.ipv4.conf.net1.arp_notify=1
ip netns exec pod sysctl -qw net.ipv4.conf.net1.arp_ignore=1
ip -n pod link set net1 allmulticast on
# the first of 10.1.2.128-10.1.2.253
ip -n pod addr add 10.1.2.128/24 brd + dev net1
ip -n pod link set net1 up
ip -n pod route add 192.168.9.0/24 via 10.1.2.254 dev net1
ip -n pod route add 192.168.12.0/24 via 10.1.2.254 dev net1
ip -n pod route add 0.0.0.0/0 via 10.1.2.254 dev net1 metric 50
# and back:
# ip -n pod link del net1
