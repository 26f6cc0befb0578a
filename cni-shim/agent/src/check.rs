//! CHECK: are the links of a sandbox there, with their addresses?

use std::{fmt, net::IpAddr};

use landfall_core::{agent::Phase, id::Name};
use landfall_link::{Chain, Netns, devices};

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
}

/// Checks the records of one sandbox.
pub fn check(records: &[Entry], roots: &Roots) -> Result<(), Wrong> {
    let active = records
        .iter()
        .filter(|entry| entry.record.phase == Phase::Active);
    for (entry, facts) in active.filter_map(|entry| Some((entry, entry.facts.as_ref()?))) {
        let netns = open(facts, roots).ok_or(Wrong::NoNetns)?;
        let found =
            devices(&netns).map_err(|error| Wrong::Unreadable(Chain(&error).to_string()))?;
        let device = facts.device();
        let Some(link) = found.iter().find(|found| device.is(found)) else {
            return Err(Wrong::NoLink {
                interface: facts.name.clone(),
                network: facts.network.clone(),
            });
        };
        let interface = || facts.name.clone();
        let missing = entry
            .record
            .addresses
            .iter()
            .map(|(address, _)| *address)
            .find(|address| {
                !link
                    .addresses
                    .iter()
                    .any(|own| own.address.addr() == *address)
            });
        if let Some(address) = missing {
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
    }
    Ok(())
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
        }
    }
}
