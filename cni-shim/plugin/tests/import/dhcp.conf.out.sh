# What dhcp.conf means, by hand, for one sandbox.
#
# office: macvlan in mode bridge
ip netns add pod
parent=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
ip link add link "${parent}" name net1 netns pod type macvlan mode bridge
# its address is a DHCP client's business: ip netns exec pod dhclient net1
ip -n pod link set net1 up
# and back:
# ip -n pod link del net1
