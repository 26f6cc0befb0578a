//! Parents for networks that have none: made where they are missing. They are removed like VLANs.

use std::collections::{BTreeMap, BTreeSet};

use landfall_core::id::Name;
use landfall_link::BridgeLink;

use super::Engine;
use crate::{
    execute::{Job, VlanJob},
    parents::Missing,
};

/// What is being done, and what failed, about such parents.
#[derive(Debug, Default)]
pub(super) struct Bridges {
    making: BTreeSet<Name>,
    /// Could not be made, and why: tried again when the links or the networks change.
    failed: BTreeMap<Name, String>,
}

// === impl Bridges ===

impl Bridges {
    pub(super) fn retry(&mut self) {
        self.failed.clear();
    }
}

// === impl Engine ===

impl Engine {
    pub(super) fn tend_bridges(&mut self) {
        let missing: Vec<BridgeLink> = self.parents.missing_bridges().cloned().collect();
        for bridge in missing {
            let failed = self.bridges.failed.contains_key(&bridge.name);
            let removed = self.vlans.is_removing(&bridge.name);
            if !failed && !removed && self.bridges.making.insert(bridge.name.clone()) {
                self.jobs.push(Job::Vlan(VlanJob::MakeBridge(bridge)));
            }
        }
    }

    pub(super) fn bridge_done(&mut self, bridge: &BridgeLink, failure: Option<String>) {
        self.bridges.making.remove(&bridge.name);
        if let Some(why) = failure {
            tracing::warn!(bridge = %bridge.name, "{why}");
            self.bridges.failed.insert(bridge.name.clone(), why);
            self.resolve_parents();
        }
    }

    pub(super) fn explain_bridges(&mut self) {
        for (bridge, why) in &self.bridges.failed {
            self.parents.explain_bridge(bridge, why);
        }
    }
}

impl Missing {
    /// The parent that would mend it.
    pub(crate) const fn bridge(&self) -> Option<&BridgeLink> {
        if let Self::NoBridge { bridge, why: None } = self {
            Some(bridge)
        } else {
            None
        }
    }
}
