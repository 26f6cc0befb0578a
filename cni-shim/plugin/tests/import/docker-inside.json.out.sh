# What docker-inside.json means, by hand, for one sandbox.
# Left out: docker-inside.json: [3]: the network bridge has the driver bridge, expected macvlan or ipvlan
#
# closed: macvlan in mode bridge
ip netns add pod-closed
ip link add link eth0 name net1 netns pod-closed type macvlan mode bridge
ip netns exec pod-closed sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 10.66.77.64, 10.66.77.66-10.66.77.67
ip -n pod-closed addr add 10.66.77.64/24 brd + dev net1
ip -n pod-closed link set net1 up
# and back:
# ip -n pod-closed link del net1
#
# parentless: macvlan in mode bridge
ip netns add pod-parentless
# no parent: a dummy in its place keeps the network on this host
ip link add dm-parentless type dummy
ip link set dm-parentless up
ip link add link dm-parentless name net1 netns pod-parentless type macvlan mode bridge
ip netns exec pod-parentless sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 10.67.0.1-10.67.0.254
ip -n pod-parentless addr add 10.67.0.1/24 brd + dev net1
ip -n pod-parentless link set net1 up
# and back:
# ip -n pod-parentless link del net1
#
# dummy: ipvlan in mode l2
ip netns add pod-dummy
# no parent: a dummy in its place keeps the network on this host
ip link add dm-dummy type dummy
ip link set dm-dummy up
ip link add link dm-dummy name net1 netns pod-dummy type ipvlan mode l2
ip netns exec pod-dummy sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 10.68.0.1-10.68.0.254
ip -n pod-dummy addr add 10.68.0.1/24 brd + dev net1
ip -n pod-dummy link set net1 up
# and back:
# ip -n pod-dummy link del net1
