//! CHECK: are the links of a sandbox as they were made?
//!
//! Each record says how its link was made ([`Facts::link`]); core compares that with what the kernel has.

use std::fmt;

use landfall_core::{
    agent::Phase,
    id::Name,
    link::{self, Difference, Observed, ObservedAddress},
    network::Route,
};
use landfall_link::{Chain, Netns, ObserveError, observe, routes_of};
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
    /// A link is not as it was made.
    Differs {
        /// The interface.
        interface: Name,
        /// The network.
        network: String,
        /// In what.
        differences: Vec<Difference>,
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
    let netns = open(facts, roots).ok_or(Wrong::NoNetns)?;
    let unreadable = |error: ObserveError| Wrong::Unreadable(Chain(&error).to_string());
    let made = facts.link(entry.record.network);
    let found = observe(&netns, &made).map_err(unreadable)?;
    let differences = link::check(&made, found.as_ref());
    match found {
        Some(found) if differences.is_empty() => {
            let routes = routes_of(&netns, found.index).map_err(unreadable)?;
            Ok(as_it_is(facts, &found, &routes))
        }
        _ => Err(Wrong::Differs {
            interface: facts.name.clone(),
            network: facts.network.clone(),
            differences,
        }),
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
            Self::Differs {
                interface,
                network,
                differences,
            } => {
                write!(
                    f,
                    "interface {interface} of network {network} is not as it was made"
                )?;
                for (index, difference) in differences.iter().enumerate() {
                    let separator = if index == 0 { ": " } else { "; " };
                    write!(f, "{separator}{difference}")?;
                }
                f.write_str("; put that back, or restart the pod")
            }
        }
    }
}
