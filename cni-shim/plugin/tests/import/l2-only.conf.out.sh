# What l2-only.conf means, by hand, for one sandbox.
#
# wire: macvlan in mode passthru
ip netns add pod-wire
ip link add link eth1 name net1 netns pod-wire type macvlan mode passthru
ip -n pod-wire link set net1 up
# and back:
# ip -n pod-wire link del net1
#
# office: ipvlan in mode l2
ip netns add pod-office
ip link add link eth1 name net1 netns pod-office type ipvlan mode l2
ip -n pod-office link set net1 up
# and back:
# ip -n pod-office link del net1
#
# leased: macvlan in mode bridge
ip netns add pod-leased
ip link add link eth1 name net1 netns pod-leased type macvlan mode bridge
ip -n pod-leased link set net1 up
# and back:
# ip -n pod-leased link del net1
#
# tagged: macvlan in mode bridge
ip netns add pod-tagged
ip link add link eth1 name eth1.70 type vlan id 70
ip link set eth1.70 up
ip link add link eth1.70 name net1 netns pod-tagged type macvlan mode bridge
ip netns exec pod-tagged sysctl -qw net.ipv4.conf.net1.arp_notify=1
# the first of 10.70.0.2-10.70.0.254
ip -n pod-tagged addr add 10.70.0.2/24 brd + dev net1
ip -n pod-tagged link set net1 up
# and back:
# ip -n pod-tagged link del net1
# ip link del eth1.70    # after its last user, unless it was there before
