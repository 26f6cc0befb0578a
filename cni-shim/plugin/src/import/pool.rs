//! Subnets with what may be handed out, as they are gathered from an input.

use std::net::IpAddr;

use ipnet::IpNet;
use landfall_core::{
    address::{Family, Range},
    link::is_link_local,
    network::reserved,
};

use super::{
    network::Subnet,
    place::{At, Fault, Notes},
};

/// The subnets of a network.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool(Vec<Gathered>);

/// A subnet, gathered from every place that names it.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    pub(super) cidr: IpNet,
    pub(super) gateway: Option<IpAddr>,
    /// Whether a place that named it named no range.
    whole: bool,
    ranges: Vec<Range>,
    exclude: Vec<Range>,
}

// === impl Pool ===

impl Pool {
    /// The subnet, which may be there already.
    pub(super) fn subnet(
        &mut self,
        at: &At,
        cidr: IpNet,
        notes: &mut Notes,
    ) -> Result<&mut Gathered, Fault> {
        if cidr.trunc() != cidr {
            let trunc = cidr.trunc();
            notes.at(
                at,
                format_args!("{cidr} has bits set behind its prefix, so it became {trunc}"),
            );
        }
        let cidr = cidr.trunc();
        if let Some(reserved) = reserved(cidr) {
            return Err(at.fault(format!(
                "is {cidr}, which reaches into {reserved}: no host of a LAN may have its addresses"
            )));
        }
        let overlaps = |g: &&Gathered| g.cidr != cidr && Range::from(g.cidr).overlaps(&cidr.into());
        if let Some(other) = self.0.iter().find(overlaps) {
            return Err(at.fault(format!("is {cidr}, which overlaps {}", other.cidr)));
        }
        let count = self.0.len();
        let found = self.0.iter().position(|gathered| gathered.cidr == cidr);
        if found.is_none() {
            self.0.push(Gathered::new(cidr));
        }
        let gathered = self.0.get_mut(found.unwrap_or(count));
        gathered.ok_or_else(|| at.fault("is a subnet that got lost"))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Gathered> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Gathered> {
        self.0.iter_mut()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first gateway of a family.
    pub(super) fn gateway(&self, family: Family) -> Option<IpAddr> {
        self.of(family).find_map(|gathered| gathered.gateway)
    }

    pub(super) fn of(&self, family: Family) -> impl Iterator<Item = &Gathered> {
        let of = move |gathered: &&Gathered| Family::of(gathered.cidr.addr()) == family;
        self.0.iter().filter(of)
    }

    /// Keeps every gateway from being handed out, but names none.
    pub(super) fn close(&mut self) {
        self.0.iter_mut().for_each(Gathered::close);
    }

    pub(super) fn finish(self) -> Vec<Subnet> {
        self.0.into_iter().map(Gathered::finish).collect()
    }
}

// === impl Gathered ===

impl Gathered {
    const fn new(cidr: IpNet) -> Self {
        Self {
            cidr,
            gateway: None,
            whole: false,
            ranges: Vec::new(),
            exclude: Vec::new(),
        }
    }

    /// Names the router. One that pods could not reach is left out.
    pub(super) fn set_gateway(&mut self, at: &At, gateway: IpAddr, notes: &mut Notes) {
        let cidr = self.cidr;
        let link_local = is_link_local(gateway);
        let near = cidr.contains(&gateway) || link_local && cidr.addr().is_ipv6();
        let is_end = |end: IpAddr| end == gateway && cidr.prefix_len() < 31 && end.is_ipv4();
        if !near || is_end(cidr.network()) || is_end(cidr.broadcast()) {
            notes.at(
                at,
                format_args!("{gateway} is no host of {cidr}, so it is left out"),
            );
            return;
        }
        match self.gateway {
            None => self.gateway = Some(gateway),
            Some(first) if first == gateway => {}
            Some(first) => {
                notes.at(
                    at,
                    format_args!(
                        "{cidr} has the gateway {first} already, so {gateway} is only kept free"
                    ),
                );
                self.exclude.push(Range::single(gateway));
            }
        }
    }

    /// Another router than the one so far, which is kept free all the same.
    pub(super) fn replace_gateway(&mut self, gateway: IpAddr) {
        if self.gateway != Some(gateway) {
            self.close();
            self.gateway = Some(gateway);
        }
    }

    /// No router; its address is kept free.
    pub(super) fn close(&mut self) {
        let gateway = self.gateway.take();
        let inside = gateway.filter(|gateway| self.cidr.contains(gateway));
        self.exclude.extend(inside.map(Range::single));
    }

    /// All of it may be handed out.
    pub(super) fn add_whole(&mut self) {
        self.whole = true;
    }

    /// More that may be handed out.
    pub(super) fn add_range(&mut self, at: &At, range: Range) -> Result<(), Fault> {
        let whole = Range::from(self.cidr);
        if !whole.contains_range(&range) {
            return Err(at.fault(format!("{range} reaches outside {}", self.cidr)));
        }
        if !self.ranges.contains(&range) {
            self.ranges.push(range);
        }
        Ok(())
    }

    /// Something that may not be handed out.
    pub(super) fn exclude(&mut self, at: &At, range: Range, notes: &mut Notes) {
        let (cidr, whole) = (self.cidr, Range::from(self.cidr));
        if !whole.contains_range(&range) {
            notes.at(
                at,
                format_args!("{range} reaches outside {cidr}, where nothing is handed out anyway"),
            );
        }
        if whole.overlaps(&range) {
            let from = range.first().max(whole.first());
            let inside = Range::new(from, range.last().min(whole.last()));
            self.exclude.extend(inside.ok());
        }
    }

    fn finish(mut self) -> Subnet {
        self.exclude.sort_unstable();
        self.exclude.dedup();
        if self.whole {
            self.ranges.clear();
        }
        Subnet {
            cidr: self.cidr,
            gateway: self.gateway,
            ranges: self.ranges,
            exclude: self.exclude,
        }
    }
}
