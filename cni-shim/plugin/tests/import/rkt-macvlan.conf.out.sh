# What rkt-macvlan.conf means, by hand, for one sandbox.
#
# lannet: macvlan in mode bridge
ip netns add pod
ip link add link eth0 name net1 netns pod type macvlan mode bridge
ip netns exec pod sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 20.1.1.2-20.1.1.254
ip -n pod addr add 20.1.1.2/24 brd + dev net1
ip -n pod link set net1 up
# and back:
# ip -n pod link del net1
