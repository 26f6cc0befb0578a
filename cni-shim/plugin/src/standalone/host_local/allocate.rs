//! Giving addresses: one of each range set, the next after the last one given.

use std::{collections::BTreeSet, io, net::IpAddr, path::PathBuf};

use ipnet::IpNet;

use super::{
    config::HostLocal,
    range::{Range, RangeSet},
    resolv,
    store::{Holder, Locked, Store, StoreError},
};
use crate::standalone::result::{CniResult, Dns, Ip};

/// No address. The texts are those of host-local.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum AllocateError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{}: {why}", .path.display())]
    ResolvConf { path: PathBuf, why: io::Error },
    #[error("failed to allocate for range {set}: {why}")]
    Set { set: usize, why: SetError },
    #[error("failed to allocate all requested IPs: {0}")]
    NotInRange(String),
}

/// No address of one range set.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum SetError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("requested ip {0} is subnet's gateway")]
    Gateway(IpAddr),
    #[error("requested IP address {0} is not available in range set {1}")]
    Taken(IpAddr, String),
    #[error("{0} has been allocated to {1}, duplicate allocation is not allowed")]
    Duplicate(IpAddr, String),
    #[error("no IP addresses available in range set: {0}")]
    Exhausted(String),
}

/// One address of each range set, or none at all.
pub fn allocate(config: &HostLocal, holder: Holder<'_>) -> Result<CniResult, AllocateError> {
    let dns = dns(config)?;
    let store = Store::at(&config.folder).lock()?;
    let mut given = Vec::new();
    match from_all(config, holder, &store, &mut given) {
        Ok(()) => Ok(CniResult {
            ips: given,
            routes: config.routes.clone(),
            dns,
            ..CniResult::default()
        }),
        Err(error) => {
            for ip in &given {
                // What matters is the error that is on its way; a DEL finds the file.
                drop(store.release(ip.address.addr()));
            }
            Err(error)
        }
    }
}

fn dns(config: &HostLocal) -> Result<Dns, AllocateError> {
    let Some(path) = &config.resolv_conf else {
        return Ok(Dns::default());
    };
    resolv::read(path).map_err(|why| AllocateError::ResolvConf {
        path: path.clone(),
        why,
    })
}

fn from_all(
    config: &HostLocal,
    holder: Holder<'_>,
    store: &Locked,
    given: &mut Vec<Ip>,
) -> Result<(), AllocateError> {
    let before = store.of(holder)?;
    let mut requested = config.requested.clone();
    for (place, set) in config.sets.iter().enumerate() {
        let wanted = requested
            .iter()
            .position(|address| set.range_of(*address).is_some())
            .map(|at| requested.remove(at));
        let address = match wanted {
            Some(address) => this_one(set, place, address, holder, store),
            None => next_one(set, place, &before, holder, store),
        };
        given.push(address.map_err(|why| AllocateError::Set { set: place, why })?);
    }
    if requested.is_empty() {
        Ok(())
    } else {
        let words: Vec<_> = requested.iter().map(ToString::to_string).collect();
        Err(AllocateError::NotInRange(words.join(" ")))
    }
}

fn this_one(
    set: &RangeSet,
    place: usize,
    address: IpAddr,
    holder: Holder<'_>,
    store: &Locked,
) -> Result<Ip, SetError> {
    let taken = || SetError::Taken(address, set.to_string());
    let range = set.range_of(address).ok_or_else(taken)?;
    if Some(address) == range.gateway {
        return Err(SetError::Gateway(address));
    }
    if store.reserve(address, holder, place)? {
        Ok(ip(address, range))
    } else {
        Err(taken())
    }
}

fn next_one(
    set: &RangeSet,
    place: usize,
    before: &[IpAddr],
    holder: Holder<'_>,
    store: &Locked,
) -> Result<Ip, SetError> {
    if let Some(address) = before.iter().find(|ip| set.range_of(**ip).is_some()) {
        let container = holder.container.to_owned();
        return Err(SetError::Duplicate(*address, container));
    }
    for (address, range) in set.addresses(store.last(place)) {
        if store.reserve(address, holder, place)? {
            return Ok(ip(address, range));
        }
    }
    Err(SetError::Exhausted(set.to_string()))
}

fn ip(address: IpAddr, range: &Range) -> Ip {
    Ip {
        interface: None,
        // The prefix is one of the same family.
        address: IpNet::new(address, range.subnet.prefix_len()).unwrap_or_else(|_| address.into()),
        gateway: range.gateway,
    }
}

/// Whether every set has an address left.
pub fn has_room(config: &HostLocal) -> Result<bool, StoreError> {
    let Some(store) = Store::at(&config.folder).lock_existing()? else {
        return Ok(true);
    };
    let taken: BTreeSet<_> = store.addresses()?.into_iter().map(|(ip, _)| ip).collect();
    let mut sets = config.sets.iter();
    Ok(sets.all(|set| set.addresses(None).any(|(ip, _)| !taken.contains(&ip))))
}

#[cfg(test)]
mod tests;
