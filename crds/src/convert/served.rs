//! Networks as one node must serve them: the operator writes them, the agent reads them back.

use landfall_core::{
    id::Name,
    network::{
        Driver, IpvlanFlag, Labels, LinkMatch, Macvlan, Neighbor, Network, NetworkKind, Parent,
        Route, Subnet, UnknownWord, Vlan,
    },
};

use crate::node::{
    Announce, Ipv6Options, LinkOptions, MacvlanOptions, ServedNeighbor, ServedNetwork,
    ServedParent, ServedRoute, ServedSubnet, ServedVlan,
};

// === impl ServedNetwork ===

impl ServedNetwork {
    /// The network as a node with these labels must serve it. All subnets are in it, also those of
    /// other nodes: a grant may be older than the node's labels.
    pub fn new(network: &Network, node: &Labels) -> Self {
        Self {
            uid: network.uid,
            name: network.name.to_string(),
            kind: network.driver.kind().to_string(),
            segment: network.segment.to_string(),
            parents: network.parents_for(node).map(ServedParent::from).collect(),
            mode: network.driver.mode().to_owned(),
            flag: flag(&network.driver),
            mtu: network.mtu,
            macvlan: macvlan(&network.driver),
            link: some(LinkOptions {
                tx_queue_length: network.tx_queue_length,
                all_multicast: network.all_multicast,
            }),
            ipv6: some(Ipv6Options {
                accept_router_advertisements: network.accept_router_advertisements,
                dad: network.duplicate_address_detection,
            }),
            ipam: network.ipam.kind.to_string(),
            subnets: subnets(network),
            conflict_probe: network.ipam.conflict_probe,
            routes: routes(network),
            neighbors: neighbors(network),
            default_route: network.default_route.to_string(),
            default_route_metric: network.default_route_metric,
            announce: Announce {
                count: network.announce.count,
                interval_ms: network.announce.interval_ms,
            },
            host_access: network.host_access,
            isolated: network.isolated,
            node_local: network.is_node_local(),
            paused: network.paused,
            sysctls: network.sysctls.clone(),
        }
    }

    /// The driver with its options. An unknown word is of a newer operator: this network can't be
    /// served, others can. The prefix of hardware addresses is the operator's business and not in it.
    pub fn driver(&self) -> Result<Driver, UnknownWord> {
        match self.kind.parse()? {
            NetworkKind::Macvlan => {
                let options = self.macvlan.clone().unwrap_or_default();
                Ok(Driver::Macvlan(Macvlan {
                    mode: self.mode.parse()?,
                    broadcast_queue_length: options.broadcast_queue_length,
                    broadcast_cutoff: options.broadcast_cutoff,
                    no_promiscuous: options.no_promiscuous,
                    allowed_sources: options.allowed_sources,
                    ..Macvlan::default()
                }))
            }
            NetworkKind::Ipvlan => Ok(Driver::Ipvlan {
                mode: self.mode.parse()?,
                flag: self
                    .flag
                    .as_deref()
                    .map_or(Ok(IpvlanFlag::Bridge), str::parse)?,
            }),
        }
    }
}

fn flag(driver: &Driver) -> Option<String> {
    match driver {
        Driver::Ipvlan { flag, .. } if *flag != IpvlanFlag::Bridge => Some(flag.to_string()),
        Driver::Ipvlan { .. } | Driver::Macvlan(_) => None,
    }
}

fn macvlan(driver: &Driver) -> Option<MacvlanOptions> {
    match driver {
        Driver::Macvlan(macvlan) => some(MacvlanOptions {
            broadcast_queue_length: macvlan.broadcast_queue_length,
            broadcast_cutoff: macvlan.broadcast_cutoff,
            no_promiscuous: macvlan.no_promiscuous,
            allowed_sources: macvlan.allowed_sources.clone(),
        }),
        Driver::Ipvlan { .. } => None,
    }
}

/// Options that are all at their default are left out.
fn some<T: Default + PartialEq>(options: T) -> Option<T> {
    (options != T::default()).then_some(options)
}

fn subnets(network: &Network) -> Vec<ServedSubnet> {
    let served = |s: &Subnet| ServedSubnet {
        cidr: s.cidr,
        gateway: s.gateway,
    };
    network.ipam.subnets.iter().map(served).collect()
}

fn routes(network: &Network) -> Vec<ServedRoute> {
    let served = |r: &Route| ServedRoute {
        destination: r.destination,
        gateway: r.gateway,
        metric: r.metric,
    };
    network.routes.iter().map(served).collect()
}

fn neighbors(network: &Network) -> Vec<ServedNeighbor> {
    let served = |n: &Neighbor| ServedNeighbor {
        address: n.address,
        mac: n.mac,
    };
    network.neighbors.iter().map(served).collect()
}

// === impl ServedParent ===

impl From<&Parent> for ServedParent {
    fn from(parent: &Parent) -> Self {
        let mut served = Self {
            vlan: parent.vlan.as_ref().map(ServedVlan::from),
            ..Self::default()
        };
        match &parent.link {
            LinkMatch::Interface(name) => served.interface = Some(name.to_string()),
            LinkMatch::Mac(mac) => served.mac_address = Some(*mac),
            LinkMatch::Pci(pci) => served.pci_address = Some(pci.to_string()),
            LinkMatch::Subnet(subnet) => served.subnet = Some(*subnet),
            LinkMatch::DefaultRoute => served.from_default_route = true,
        }
        served
    }
}

impl From<&Vlan> for ServedVlan {
    fn from(vlan: &Vlan) -> Self {
        Self {
            id: vlan.id,
            name: vlan.name.as_ref().map(Name::to_string),
            protocol: vlan.protocol.to_string(),
        }
    }
}

impl ServedParent {
    /// The parent. `None` if it names a link in a way that this program does not know.
    pub fn parent(&self) -> Option<Parent> {
        let named = self
            .interface
            .as_deref()
            .map(|n| LinkMatch::Interface(Name::from(n)));
        let link = named
            .or_else(|| self.mac_address.map(LinkMatch::Mac))
            .or_else(|| {
                self.pci_address
                    .as_deref()
                    .map(|p| LinkMatch::Pci(Name::from(p)))
            })
            .or_else(|| self.subnet.map(LinkMatch::Subnet))
            .or_else(|| self.from_default_route.then_some(LinkMatch::DefaultRoute))?;
        let vlan = match &self.vlan {
            None => None,
            Some(vlan) => Some(Vlan {
                id: vlan.id,
                name: vlan.name.as_deref().map(Name::from),
                protocol: vlan.protocol.parse().ok()?,
            }),
        };
        Some(Parent { link, vlan })
    }
}
