//! CHECK: are the links of a sandbox there, with their addresses?

use std::{fmt, net::IpAddr};

use landfall_core::{
    agent::Phase,
    id::Name,
    link::{Observed, ObservedAddress, ObservedDriver},
    mac::Mac,
    network::Route,
};
use landfall_link::{Chain, Netns, ObserveError, devices, neighbors_of, routes_of};
use landfall_plugin::wire::{self, Attached};

use crate::{
    detach::at_its_place,
    records::{Entry, Facts},
    scan::{Roots, Scan},
};

/// What is not as it was made.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The sandbox's namespace is nowhere.
    NoNetns,
    /// Its links can't be read.
    Unreadable(String),
    /// A link is gone.
    NoLink {
        /// The interface.
        interface: Name,
        /// The network.
        network: String,
    },
    /// An address is gone.
    NoAddress {
        /// The interface.
        interface: Name,
        /// The address.
        address: IpAddr,
    },
    /// It is down.
    Down {
        /// The interface.
        interface: Name,
    },
    /// Something else of it is not as it was made.
    Differs {
        /// The interface.
        interface: Name,
        /// What, as it follows "it has".
        what: String,
    },
}

/// Checks the records of one sandbox, and says what is there.
pub fn check(records: &[Entry], roots: &Roots) -> Result<Vec<Attached>, Wrong> {
    let active = records
        .iter()
        .filter(|entry| entry.record.phase == Phase::Active);
    active
        .filter_map(|entry| Some(check_link(entry, entry.facts.as_ref()?, roots)))
        .collect()
}

fn check_link(entry: &Entry, facts: &Facts, roots: &Roots) -> Result<Attached, Wrong> {
    let interface = || facts.name.clone();
    let netns = open(facts, roots).ok_or(Wrong::NoNetns)?;
    let unreadable = |error: ObserveError| Wrong::Unreadable(Chain(&error).to_string());
    let device = facts.device();
    let found = devices(&netns).map_err(unreadable)?;
    let Some(link) = found.iter().find(|found| device.is(found)) else {
        return Err(Wrong::NoLink {
            interface: interface(),
            network: facts.network.clone(),
        });
    };
    let has = |address| {
        let mut own = link.addresses.iter();
        own.any(|own| own.address.addr() == address)
    };
    let mut recorded = entry.record.addresses.iter().map(|(address, _)| *address);
    if let Some(address) = recorded.find(|address| !has(*address)) {
        return Err(Wrong::NoAddress {
            interface: interface(),
            address,
        });
    }
    if !link.up {
        return Err(Wrong::Down {
            interface: interface(),
        });
    }
    if let Some(what) = differs(facts, link) {
        let interface = interface();
        return Err(Wrong::Differs { interface, what });
    }
    if !facts.neighbors.is_empty() {
        let found = neighbors_of(&netns, link.index).map_err(unreadable)?;
        let has = |(address, mac): &&(IpAddr, Mac)| {
            let mut found = found.iter();
            found.any(|own| (own.address, own.mac) == (*address, *mac))
        };
        if let Some((address, mac)) = facts.neighbors.iter().find(|own| !has(own)) {
            let interface = interface();
            let what = format!("lost its neighbour {address} {mac}");
            return Err(Wrong::Differs { interface, what });
        }
    }
    let routes = routes_of(&netns, link.index).map_err(unreadable)?;
    Ok(as_it_is(facts, link, &routes))
}

/// What of the device is not as it was made. Records of older agents say less.
fn differs(facts: &Facts, link: &Observed) -> Option<String> {
    if let Some(mtu) = facts.mtu.filter(|mtu| *mtu != link.mtu) {
        return Some(format!("an MTU of {}, not {mtu}", link.mtu));
    }
    let ObservedDriver::Ours(found) = &link.driver else {
        return None;
    };
    if let Some(mode) = facts.mode.as_deref().filter(|mode| *mode != found.mode()) {
        return Some(format!("mode {}, not {mode}", found.mode()));
    }
    let flag = found.flag().map(|flag| flag.to_string());
    match (&facts.flag, flag) {
        (Some(wanted), Some(flag)) if *wanted != flag => Some(format!("flag {flag}, not {wanted}")),
        _ => None,
    }
}

/// For the plugin, which compares it with what the runtime was told.
fn as_it_is(facts: &Facts, link: &Observed, routes: &[Route]) -> Attached {
    let address = |own: &ObservedAddress| wire::Address {
        address: own.address.to_string(),
        gateway: None,
    };
    let route = |route: &Route| wire::Route {
        destination: route.destination.to_string(),
        gateway: route.gateway.map(|gateway| gateway.to_string()),
        metric: route.metric,
    };
    Attached {
        network: facts.network.clone(),
        interface: link.name.to_string(),
        mac: link.mac.map(|mac| mac.to_string()),
        mtu: Some(link.mtu),
        addresses: link.addresses.iter().map(address).collect(),
        routes: routes.iter().map(route).collect(),
    }
}

fn open(facts: &Facts, roots: &Roots) -> Option<Netns> {
    let is_it = |netns: &Netns| netns.cookie().is_ok_and(|found| found.0 == facts.cookie);
    at_its_place(&facts.netns, roots)
        .filter(is_it)
        .or_else(|| Scan::all(roots).ok()?.take(facts.cookie))
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNetns => f.write_str("the sandbox's network namespace is gone"),
            Self::Unreadable(why) => f.write_str(why),
            Self::NoLink { interface, network } => {
                write!(
                    f,
                    "interface {interface} of network {network} is gone; restart the pod"
                )
            }
            Self::NoAddress { interface, address } => {
                write!(
                    f,
                    "interface {interface} has lost its address {address}; restart the pod"
                )
            }
            Self::Down { interface } => write!(f, "interface {interface} is down"),
            Self::Differs { interface, what } => {
                write!(f, "interface {interface} has {what}; restart the pod")
            }
        }
    }
}
