//! VLANs that networks ask for: made where they are missing, and removed after their last user if we
//! made them.

use std::collections::BTreeSet;

use landfall_core::id::Name;
use landfall_link::{VLAN_ALIAS, VlanLink};

use super::Engine;
use crate::{
    execute::{Job, VlanJob},
    parents::Missing,
};

/// What is being done, and what failed, about VLANs.
#[derive(Debug, Default)]
pub(super) struct Vlans {
    /// Being made or removed, by name.
    busy: BTreeSet<Name>,
    /// Could not be made: tried again when the links or the networks change.
    failed: Vec<(VlanLink, String)>,
}

impl Engine {
    /// Asks for what is missing, and takes away what nobody needs.
    pub(super) fn tend_vlans(&mut self) {
        let missing: Vec<VlanLink> = self.parents.missing_vlans().cloned().collect();
        for vlan in missing {
            let known = self.vlans.failed.iter().any(|(failed, _)| *failed == vlan);
            if !known && self.vlans.busy.insert(vlan.name.clone()) {
                self.jobs.push(Job::Vlan(VlanJob::Make(vlan)));
            }
        }
        for (name, index) in self.unused_vlans() {
            if self.vlans.busy.insert(name.clone()) {
                tracing::info!(vlan = %name, "removing a VLAN that no network needs any more");
                self.jobs.push(Job::Vlan(VlanJob::Remove { name, index }));
            }
        }
    }

    /// A job is done. What that changed is told by the watch of the links.
    pub(super) fn vlan_done(&mut self, job: &VlanJob, failure: Option<String>) {
        match job {
            VlanJob::Make(vlan) => {
                self.vlans.busy.remove(&vlan.name);
                if let Some(why) = failure {
                    self.vlans.failed.push((vlan.clone(), why));
                    self.resolve_parents();
                }
            }
            VlanJob::Remove { name, .. } => {
                self.vlans.busy.remove(name);
                if let Some(why) = failure {
                    tracing::warn!(vlan = %name, "{why}");
                }
            }
        }
    }

    /// What failed is tried again after any change, and what was made is no longer missing.
    pub(super) fn retry_vlans(&mut self) {
        self.vlans.failed.clear();
    }

    /// Tells why a VLAN is still missing.
    pub(super) fn explain_vlans(&mut self) {
        for (vlan, why) in &self.vlans.failed {
            self.parents.explain(vlan, why);
        }
    }

    /// Made by us, chosen by no network, below no attachment. A cold start may not know all
    /// attachments: as long as there are strangers everything stays.
    fn unused_vlans(&self) -> Vec<(Name, u32)> {
        let known = self.volatile.is_ready(&self.durable) && self.volatile.blocked.is_empty();
        let used = |index: u32| {
            let below = self.facts.values().any(|facts| facts.parent == index);
            below || self.parents.chosen().any(|link| link.index == index)
        };
        self.host_links
            .iter()
            .filter(|link| known && link.alias.as_deref() == Some(VLAN_ALIAS))
            .filter(|link| !used(link.index))
            .map(|link| (link.name.clone(), link.index))
            .collect()
    }
}

impl Missing {
    /// The VLAN that would mend it.
    pub(crate) const fn vlan(&self) -> Option<&VlanLink> {
        match self {
            Self::NoVlan { vlan, .. } => Some(vlan),
            Self::NoRule
            | Self::NoLink { .. }
            | Self::Ambiguous { .. }
            | Self::Unfit { .. }
            | Self::Conflict { .. } => None,
        }
    }
}
