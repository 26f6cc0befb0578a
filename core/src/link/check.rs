//! What differs between the wanted link and the one that is there.

use alloc::{string::String, vec::Vec};
use core::fmt;

use ipnet::IpNet;

use super::{Device, Link, Observed, ObservedDriver, Setting, kernel_word};
use crate::{
    id::Name,
    mac::Mac,
    network::{Driver, Neighbor, Route},
};

/// One thing that is not as wanted. More than what is wanted is no difference: other plugins and the
/// pod itself may add addresses and routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// No link of this name, nor of the index.
    Missing,
    /// Another driver, or none of ours.
    Driver {
        /// As wanted.
        wanted: Driver,
        /// As it is.
        found: ObservedDriver,
    },
    /// It hangs from another link.
    Parent {
        /// The index of the link below it, in that link's namespace.
        found: Option<u32>,
    },
    /// Another hardware address.
    Mac {
        /// As wanted.
        wanted: Mac,
        /// As it is.
        found: Option<Mac>,
    },
    /// It was renamed.
    Name {
        /// As it is.
        found: Name,
    },
    /// Duplicate address detection found another owner.
    Duplicate(IpNet),
    /// Another MTU.
    Mtu {
        /// As wanted.
        wanted: u32,
        /// As it is.
        found: u32,
    },
    /// Another length of the transmit queue.
    TxQueueLength {
        /// As wanted.
        wanted: u32,
        /// As it is.
        found: u32,
    },
    /// Another alias, or none.
    Alias,
    /// IFF_ALLMULTI is missing.
    AllMulticast,
    /// It is down.
    Down,
    /// A sysctl has another value.
    Setting {
        /// As wanted.
        wanted: Setting,
        /// As it is; `None` if it was not read.
        found: Option<String>,
    },
    /// An address is missing.
    Address(IpNet),
    /// A route is missing.
    Route(Route),
    /// A permanent neighbour is missing.
    Neighbor(Neighbor),
}

/// What differs; empty if the link is as wanted.
pub fn check(wanted: &Link, observed: Option<&Observed>) -> Vec<Difference> {
    let Some(observed) = observed else {
        return alloc::vec![Difference::Missing];
    };
    let mut differences = identity(&wanted.device, observed);
    // A stranger's addresses are nobody's business, and a sysctl has the name of its interface.
    if !wanted.device.is_in_place(observed) {
        return differences;
    }
    differences.extend(device(&wanted.device, observed));
    differences.extend(settings(wanted, observed));
    differences.extend(addresses(wanted, observed));
    differences.extend((!observed.up).then_some(Difference::Down));
    differences.extend(
        wanted
            .routes
            .iter()
            .filter(|route| !observed.routes.iter().any(|found| is_route(route, found)))
            .map(|route| Difference::Route(route.clone())),
    );
    differences.extend(
        wanted
            .neighbors
            .iter()
            .filter(|neighbor| !observed.neighbors.contains(neighbor))
            .map(|neighbor| Difference::Neighbor(neighbor.clone())),
    );
    differences
}

/// What no step can mend on a link that exists.
fn identity(wanted: &Device, observed: &Observed) -> Vec<Difference> {
    let mut differences = Vec::new();
    if !is_driver(&wanted.driver, &observed.driver) {
        differences.push(Difference::Driver {
            wanted: wanted.driver.clone(),
            found: observed.driver.clone(),
        });
    }
    if observed.parent != Some(wanted.parent) {
        differences.push(Difference::Parent {
            found: observed.parent,
        });
    }
    if let Some(mac) = wanted.mac
        && observed.mac != Some(mac)
    {
        differences.push(Difference::Mac {
            wanted: mac,
            found: observed.mac,
        });
    }
    if observed.name != wanted.name {
        differences.push(Difference::Name {
            found: observed.name.clone(),
        });
    }
    differences
}

fn device(wanted: &Device, observed: &Observed) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(mtu) = wanted.mtu
        && observed.mtu != mtu
    {
        differences.push(Difference::Mtu {
            wanted: mtu,
            found: observed.mtu,
        });
    }
    if let Some(length) = wanted.tx_queue_length
        && observed.tx_queue_length != length
    {
        differences.push(Difference::TxQueueLength {
            wanted: length,
            found: observed.tx_queue_length,
        });
    }
    if wanted.alias.is_some() && observed.alias != wanted.alias {
        differences.push(Difference::Alias);
    }
    if wanted.all_multicast && !observed.all_multicast {
        differences.push(Difference::AllMulticast);
    }
    differences
}

fn settings(wanted: &Link, observed: &Observed) -> Vec<Difference> {
    let mut differences = Vec::new();
    for setting in &wanted.settings {
        let mut found = observed.settings.iter();
        let found = found.find(|found| found.path == setting.path);
        let found = found.map(|found| found.value.as_str());
        if !found.is_some_and(|found| setting.is(found)) && !is_routers(setting, wanted) {
            differences.push(Difference::Setting {
                wanted: setting.clone(),
                found: found.map(String::from),
            });
        }
    }
    differences
}

/// What a router advertisement changes where it is listened to: RFC 4861, 6.3.4, and Linux' ndisc.c.
fn is_routers(setting: &Setting, wanted: &Link) -> bool {
    let names = ["/hop_limit", "/base_reachable_time_ms", "/retrans_time_ms"];
    let mut settings = wanted.settings.iter();
    setting.path.starts_with("ipv6/")
        && names.iter().any(|name| setting.path.ends_with(name))
        && settings.any(|own| own.path.ends_with("/accept_ra") && own.value != "0")
}

fn addresses(wanted: &Link, observed: &Observed) -> Vec<Difference> {
    let mut differences = Vec::new();
    for address in &wanted.addresses {
        match observed.addresses.iter().find(|o| o.address == *address) {
            None => differences.push(Difference::Address(*address)),
            Some(found) if found.duplicate => differences.push(Difference::Duplicate(*address)),
            Some(_) => {}
        }
    }
    differences
}

/// Options that the kernel does not show, or that other links of the parent change (the queue
/// lengths), are not compared.
fn is_driver(wanted: &Driver, found: &ObservedDriver) -> bool {
    match (wanted, found) {
        (Driver::Macvlan(wanted), ObservedDriver::Ours(Driver::Macvlan(found))) => {
            wanted.mode == found.mode && wanted.no_promiscuous == found.no_promiscuous
        }
        (wanted, ObservedDriver::Ours(found)) => wanted == found,
        (_, ObservedDriver::Other(_)) => false,
    }
}

/// A route without a metric is any of its destination and gateway: the kernel fills one in (IPv6: 1024).
fn is_route(wanted: &Route, found: &Route) -> bool {
    wanted.destination.trunc() == found.destination.trunc()
        && wanted.gateway == found.gateway
        && (wanted.metric.is_none() || wanted.metric == found.metric)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it does not exist"),
            Self::Driver { wanted, found } => {
                let (kind, mode) = (kernel_word(wanted.kind()), wanted.mode());
                write!(f, "it is {found}, not a {kind} link in mode {mode}")
            }
            Self::Parent { found: Some(found) } => {
                write!(f, "it hangs from the link with index {found}")
            }
            Self::Parent { found: None } => f.write_str("it hangs from no link"),
            Self::Mac {
                wanted,
                found: Some(found),
            } => write!(f, "its hardware address is {found}, not {wanted}"),
            Self::Mac { wanted, .. } => write!(f, "it has no hardware address, not {wanted}"),
            Self::Name { found } => write!(f, "it was renamed to {found}"),
            Self::Duplicate(address) => {
                write!(f, "another host in the LAN uses its address {address}")
            }
            Self::Mtu { wanted, found } => write!(f, "its MTU is {found}, not {wanted}"),
            Self::TxQueueLength { wanted, found } => {
                write!(
                    f,
                    "its transmit queue has a length of {found}, not {wanted}"
                )
            }
            Self::Alias => f.write_str("its alias was changed"),
            Self::AllMulticast => f.write_str("its flag allmulticast is off, not on"),
            Self::Down => f.write_str("it is down"),
            Self::Setting { wanted, found } => {
                let Setting { path, value } = wanted;
                let found = found.as_deref().unwrap_or("unread");
                write!(f, "net/{path} is {found}, not {value}")
            }
            Self::Address(address) => write!(f, "its address {address} is missing"),
            Self::Route(route) => match route.gateway {
                Some(gateway) => {
                    let destination = route.destination;
                    write!(f, "its route to {destination} through {gateway} is missing")
                }
                None => write!(f, "its route to {} is missing", route.destination),
            },
            Self::Neighbor(neighbor) => {
                let Neighbor { address, mac } = neighbor;
                write!(f, "its neighbour {address} with {mac} is missing")
            }
        }
    }
}

impl fmt::Display for ObservedDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(driver) => {
                let kind = kernel_word(driver.kind());
                write!(f, "a {kind} link in mode {}", driver.mode())
            }
            Self::Other(kind) if kind.as_str().is_empty() => f.write_str("a device without driver"),
            Self::Other(kind) => write!(f, "a {kind} link"),
        }
    }
}
