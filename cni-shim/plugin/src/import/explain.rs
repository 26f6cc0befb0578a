//! A network as commands of ip(8), in the order in which the plugin does it.
//!
//! What a runtime makes is the sandbox; here it is the network namespace `pod` (of several networks
//! `pod-NAME`), and the interface in it is `net1`.

use std::net::IpAddr;

use landfall_core::{
    address::{Family, Range},
    link::kernel_word,
    network::{DefaultRoute, IpamType, VlanProtocol, usable},
};

use super::network::{Network, Parent, Subnet, Vlan};

/// Finds the interface that `master` means if it is absent.
const OF_DEFAULT_ROUTE: &str =
    "parent=$(ip -o route show default | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1)";

/// Lines of a script.
struct Script {
    text: String,
    /// The network namespace that stands for the sandbox.
    pod: String,
}

/// The commands for one sandbox on each network.
pub(super) fn script(file: &str, networks: &[Network], others: &[String]) -> String {
    let mut script = Script {
        text: String::new(),
        pod: "pod".to_owned(),
    };
    script.comment(&format!("What {file} means, by hand, for one sandbox."));
    for other in others {
        script.comment(&format!("Left out: {other}"));
    }
    for network in networks {
        if networks.len() > 1 {
            script.pod = format!("pod-{}", network.name);
        }
        script.network(network);
    }
    script.text
}

// === impl Script ===

impl Script {
    fn network(&mut self, network: &Network) {
        self.comment("");
        self.comment(&format!(
            "{}: {} in mode {}",
            network.name,
            kernel_word(network.kind),
            network.spec.mode
        ));
        self.run(&format!("ip netns add {}", self.pod));
        let parent = self.parent(network);
        self.link(network, &parent);
        if network.spec.ipam.kind == Some(IpamType::Dhcp) {
            self.comment(&format!(
                "its address is a DHCP client's business: ip netns exec {} dhclient net1",
                self.pod
            ));
        }
        let served = first_of_each_family(&network.spec.ipam.subnets);
        let addresses: Vec<_> = served
            .iter()
            .filter_map(|s| Some((*s, first(s)?)))
            .collect();
        self.settings(network, &addresses);
        for (subnet, address) in &addresses {
            self.address(network, subnet, *address);
        }
        self.inside("link set net1 up");
        self.routes(network, &served);
        self.comment("and back:");
        self.comment(&format!("ip -n {} link del net1", self.pod));
        let vlan = network
            .spec
            .parents
            .first()
            .and_then(|parent| parent.vlan.as_ref());
        if vlan.is_some() {
            self.comment(&format!(
                "ip link del {parent}    # after its last user, unless it was there before"
            ));
        }
    }

    /// Makes the parent if need be, and says its name.
    fn parent(&mut self, network: &Network) -> String {
        let Some(parent) = network.spec.parents.first() else {
            self.comment("no parent: a dummy in its place keeps the network on this host");
            // A name has at most 15 characters.
            let name = format!("dm-{:.12}", network.name);
            self.run(&format!("ip link add {name} type dummy"));
            self.run(&format!("ip link set {name} up"));
            return name;
        };
        let below = if let Some(name) = &parent.interface {
            name.clone()
        } else {
            self.run(OF_DEFAULT_ROUTE);
            "$parent".to_owned()
        };
        let Some(vlan) = &parent.vlan else {
            return quoted(&below);
        };
        let name = vlan_name(parent, vlan, &below);
        let protocol = match vlan.protocol {
            Some(VlanProtocol::Service) => " protocol 802.1ad",
            Some(VlanProtocol::Customer) | None => "",
        };
        let (below, name) = (quoted(&below), quoted(&name));
        self.run(&format!(
            "ip link add link {below} name {name} type vlan{protocol} id {}",
            vlan.id
        ));
        self.run(&format!("ip link set {name} up"));
        name
    }

    /// In the sandbox and with its final name at once: nothing of it is ever seen on the host.
    fn link(&mut self, network: &Network, parent: &str) {
        let spec = &network.spec;
        let mut command = if network.original.link_in_container {
            format!("ip -n {} link add link {parent} name net1", self.pod)
        } else {
            format!("ip link add link {parent} name net1 netns {}", self.pod)
        };
        let mut word = |text: String| {
            command.push(' ');
            command.push_str(&text);
        };
        if let Some(mac) = &network.original.mac {
            word(format!("address {}", quoted(mac)));
        }
        if let Some(mtu) = spec.mtu {
            word(format!("mtu {mtu}"));
        }
        let length = spec.link.as_ref().and_then(|link| link.tx_queue_length);
        if let Some(length) = length {
            word(format!("txqueuelen {length}"));
        }
        word(format!(
            "type {} mode {}",
            kernel_word(network.kind),
            spec.mode
        ));
        if let Some(flag) = spec.flag {
            word(flag.to_string());
        }
        if let Some(macvlan) = &spec.macvlan {
            if macvlan.no_promiscuous == Some(true) {
                word("nopromisc".to_owned());
            }
            if let Some(length) = macvlan.broadcast_queue_length {
                word(format!("bcqueuelen {length}"));
            }
        }
        self.run(&command);
    }

    /// The kernel tells neighbours of an address when the link goes up, if it is asked to.
    fn settings(&mut self, network: &Network, addresses: &[(&Subnet, IpAddr)]) {
        let mut set = |name: &str, value: &str| {
            self.run(&format!(
                "ip netns exec {} sysctl -qw {name}={value}",
                self.pod
            ));
        };
        for (_, address) in addresses {
            match address {
                IpAddr::V4(_) => set("net.ipv4.conf.net1.arp_notify", "1"),
                IpAddr::V6(_) => set("net.ipv6.conf.net1.ndisc_notify", "1"),
            }
        }
        for (name, value) in &network.spec.sysctls {
            set(&name.replace("IFNAME", "net1"), value);
        }
        let link = network.spec.link.as_ref();
        if link.is_some_and(|link| link.all_multicast == Some(true)) {
            self.inside("link set net1 allmulticast on");
        }
    }

    fn address(&mut self, network: &Network, subnet: &Subnet, address: IpAddr) {
        let ranges = usable(subnet.cidr, subnet.gateway, &subnet.ranges, &subnet.exclude);
        let ranges: Vec<_> = ranges.ranges().iter().map(Range::to_string).collect();
        self.comment(&format!("the first of {}", ranges.join(", ")));
        let length = subnet.cidr.prefix_len();
        let more = match address {
            IpAddr::V4(_) if length < 31 => " brd +",
            // The address is unique already, and the check takes more than a second.
            IpAddr::V6(_) if network.spec.ipv6.is_none() => " nodad",
            IpAddr::V4(_) | IpAddr::V6(_) => "",
        };
        self.inside(&format!("addr add {address}/{length}{more} dev net1"));
    }

    fn routes(&mut self, network: &Network, served: &[&Subnet]) {
        let spec = &network.spec;
        let metric = |metric: Option<u32>| {
            metric
                .map(|metric| format!(" metric {metric}"))
                .unwrap_or_default()
        };
        for route in &spec.routes {
            let via = route
                .gateway
                .map(|gateway| format!(" via {gateway}"))
                .unwrap_or_default();
            let (to, metric) = (route.destination, metric(route.metric));
            self.inside(&format!("route add {to}{via} dev net1{metric}"));
        }
        if !network.original.default_route && spec.default_route != Some(DefaultRoute::Always) {
            return;
        }
        let metric = metric(spec.default_route_metric);
        for subnet in served {
            let default = if subnet.cidr.addr().is_ipv6() {
                "::/0"
            } else {
                "0.0.0.0/0"
            };
            if network.is_routed() {
                self.inside(&format!("route add {default} dev net1{metric}"));
            } else if let Some(gateway) = subnet.gateway {
                self.inside(&format!(
                    "route add {default} via {gateway} dev net1{metric}"
                ));
            }
        }
    }

    /// A command of ip(8) in the sandbox.
    fn inside(&mut self, command: &str) {
        self.run(&format!("ip -n {} {command}", self.pod));
    }

    fn run(&mut self, command: &str) {
        self.text.push_str(command);
        self.text.push('\n');
    }

    /// Texts of the input end up in comments: none of them may end the line.
    fn comment(&mut self, text: &str) {
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        self.text.push('#');
        if !text.is_empty() {
            self.text.push(' ');
        }
        self.text.extend(plain);
        self.text.push('\n');
    }
}

/// A sandbox gets one address of each family.
fn first_of_each_family(subnets: &[Subnet]) -> Vec<&Subnet> {
    let of = |family: Family| {
        let mut subnets = subnets.iter();
        subnets.find(|subnet| Family::of(subnet.cidr.addr()) == family)
    };
    Family::ALL.into_iter().filter_map(of).collect()
}

fn first(subnet: &Subnet) -> Option<IpAddr> {
    let usable = usable(subnet.cidr, subnet.gateway, &subnet.ranges, &subnet.exclude);
    usable.ranges().first().map(Range::first)
}

fn vlan_name(parent: &Parent, vlan: &Vlan, below: &str) -> String {
    match (&vlan.name, &parent.interface) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => format!("{name}.{}", vlan.id),
        (None, None) => format!("{below}.{}", vlan.id),
    }
}

/// A word for a shell. Names of interfaces may have nearly every character; `$parent` is ours.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else if let Some(rest) = word
        .strip_prefix("$parent")
        .filter(|rest| rest.chars().all(plain))
    {
        format!("\"${{parent}}{rest}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
