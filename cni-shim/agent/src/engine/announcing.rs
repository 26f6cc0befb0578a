//! Which attachments are announced, and when.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use landfall_core::agent::{Key, Phase, Record};
use landfall_crds::node::ServedNetwork;
use landfall_link::Parent as HostLink;

use super::Engine;
use crate::{announce::Announcement, parents::with_index, records::Facts};

impl Engine {
    /// After an attach: the kernel has sent the first by itself.
    pub(super) fn announce_new(&self, key: &Key) {
        self.announce(key, false);
    }

    /// After the links changed: everything on a parent whose carrier has come back, and what has the
    /// hardware address of a parent that has another now.
    pub(super) fn announce_returned(&self, before: &[Arc<HostLink>]) {
        let (mut returned, mut renumbered) = (BTreeSet::new(), BTreeSet::new());
        for link in &self.host_links {
            let Some(old) = with_index(before, link.index) else {
                continue;
            };
            let came = carriers(&self.host_links, link) > carriers(before, old);
            if link.carrier && (came || !old.carrier) {
                returned.insert(link.index);
            }
            if link.mac != old.mac {
                renumbered.insert(link.index);
            }
        }
        if returned.is_empty() && renumbered.is_empty() {
            return;
        }
        for (key, facts) in &self.facts {
            let parents_mac = facts.mac.is_none() && renumbered.contains(&facts.parent);
            if parents_mac || returned.contains(&facts.parent) {
                self.announce(key, true);
            }
        }
    }

    fn announce(&self, key: &Key, at_once: bool) {
        let (Some(record), Some(facts)) = (self.durable.records.get(key), self.facts.get(key))
        else {
            return;
        };
        if let Some(announcement) = self.announcement(record, facts, at_once) {
            // Nobody listens when the agent is ending.
            self.outlets.announce.send(announcement).ok();
        }
    }

    fn announcement(&self, record: &Record, facts: &Facts, at_once: bool) -> Option<Announcement> {
        let network = self.network_of(record)?;
        let silent = record.addresses.is_empty()
            || record.phase != Phase::Active
            // The parent's namespace routes to it: nobody asks for it by ARP.
            || network.mode.starts_with("l3");
        if silent {
            return None;
        }
        let parent = self
            .host_links
            .iter()
            .find(|link| link.index == facts.parent);
        let kernels = u8::from(!at_once);
        Some(Announcement {
            facts: facts.clone(),
            mac: facts.mac.or_else(|| parent?.mac)?,
            addresses: record
                .addresses
                .iter()
                .map(|(address, _)| *address)
                .collect(),
            count: network.announce.count.saturating_sub(kernels),
            interval: Duration::from_millis(network.announce.interval_ms),
            at_once,
        })
    }

    pub(super) fn network_of(&self, record: &Record) -> Option<&ServedNetwork> {
        let mut networks = self.object.as_ref()?.spec.networks.iter();
        networks.find(|network| network.uid == record.network)
    }
}

/// How often a carrier has come, to the link or to one below it: a VLAN hears of its parent's only what
/// the kernel tells once a second.
fn carriers(links: &[Arc<HostLink>], link: &HostLink) -> u32 {
    /// The kernel's own limit (MAX_NEST_DEV).
    const DEEPEST: usize = 8;
    let below = |link: &&HostLink| with_index(links, link.below?).map(Arc::as_ref);
    std::iter::successors(Some(link), below)
        .take(DEEPEST)
        .fold(0, |sum, link| sum.saturating_add(link.carrier_ups))
}
