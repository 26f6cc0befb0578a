//! The link of an attachment that is in place, planned once more.

use std::{collections::BTreeSet, net::IpAddr};

use landfall_core::{
    agent::{Key, Phase, Record},
    id::Seq,
};
use landfall_crds::node::{Grant, LandfallNodeSpec};

use super::Engine;
use crate::{attach, execute::RemakeJob};

impl Engine {
    /// As its grants, its network and its parent are now; `None` if it is not to be made again: its pod is
    /// about to go, or there is no parent.
    pub(super) fn plan_again(&self, key: &Key) -> Option<RemakeJob> {
        let record = self.durable.records.get(key)?;
        let spec = &self.object.as_ref()?.spec;
        if record.phase != Phase::Active || is_recalled(spec, record) {
            return None;
        }
        let grants = grants(spec, key, record)?;
        let network = self.network_of(record)?;
        let parent = self.parents.link_of(network.uid)?;
        let link = attach::plan(key, network, &grants, parent).ok()?;
        self.share(key, network, &link.device.driver, parent).ok()?;
        Some(RemakeJob {
            link,
            facts: self.facts.get(key)?.clone(),
            network: network.name.clone(),
            key: key.clone(),
        })
    }
}

/// A grant under recall is never attached.
fn is_recalled(spec: &LandfallNodeSpec, record: &Record) -> bool {
    let recalled = |key: &(IpAddr, Seq)| {
        let mut recalls = spec.recalls.iter();
        recalls.any(|recall| (recall.address, recall.seq) == *key)
    };
    record.addresses.iter().any(recalled)
}

/// The grants of the very addresses that the record holds.
fn grants<'s>(spec: &'s LandfallNodeSpec, key: &Key, record: &Record) -> Option<Vec<&'s Grant>> {
    let is_of = |grant: &&Grant| {
        (grant.owner, grant.network) == (record.owner, record.network)
            && grant.interface == key.interface.as_str()
    };
    let grants: Vec<&Grant> = spec.grants.iter().filter(is_of).collect();
    let granted: BTreeSet<IpAddr> = grants.iter().filter_map(|grant| grant.address).collect();
    let recorded: BTreeSet<IpAddr> = record.addresses.iter().map(|(of, _)| *of).collect();
    (!grants.is_empty() && granted == recorded).then_some(grants)
}
