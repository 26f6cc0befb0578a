//! What must be so on a machine after every step.

use std::{collections::BTreeSet, net::IpAddr};

use landfall_core::{
    agent::{Effect, Key},
    id::{Name, Seq},
};

use super::{Machine, Stage};
use crate::site::Site;

// === impl Machine ===

impl Machine {
    /// Invariants 2b and 8 of one step.
    pub(super) fn check_step(
        &self,
        before: &BTreeSet<(IpAddr, Seq)>,
        was_read: bool,
        effects: &[Effect],
        site: &mut Site,
    ) {
        let starts = effects.iter().any(Effect::serves_an_add);
        let acknowledges = self.memory.released.len() > before.len();
        let adopts = !was_read && self.volatile.read;
        if (starts || acknowledges && !adopts) && !self.volatile.is_ready(&self.memory) {
            site.checker.fail(format!(
                "8: the agent of {} is not ready and has served",
                self.name
            ));
        }
        let lost: Vec<(IpAddr, Seq)> = before.difference(&self.memory.released).copied().collect();
        site.checker
            .forgotten(&site.api, &self.name, self.id, &lost);
        if before.len() != self.memory.released.len() || !lost.is_empty() {
            site.checker.releases(self.id, &self.memory.released);
        }
    }

    /// What the kernel has, /run knows; and who is up has what it asked for (invariants 2 and 12).
    pub fn check(&self, site: &mut Site) {
        for (key, (_, addresses)) in &self.links {
            let known = self.disk.records.contains_key(key);
            if !known && !self.may_have_strangers {
                site.checker.fail(format!(
                    "2: a device of {} has no record: {key:?}",
                    self.name
                ));
            }
            if let Some((a, seq)) = addresses.iter().find(|k| self.disk.released.contains(*k)) {
                site.checker.fail(format!(
                    "2: a device of {} has {a} {seq}, which is released",
                    self.name
                ));
            }
        }
        for key in self.making.keys() {
            if !self.sandboxes.contains_key(&key.container) {
                site.checker
                    .fail(format!("12: an ADD has outlived its sandbox: {key:?}"));
            }
        }
        for (container, sandbox) in self.sandboxes.iter().filter(|(_, s)| s.stage == Stage::Up) {
            let has = |interface: &Name| {
                let key = Key {
                    container: container.clone(),
                    interface: interface.clone(),
                };
                self.links.contains_key(&key)
            };
            if let Some(want) = sandbox
                .pod
                .spec
                .wants
                .iter()
                .find(|want| !has(&want.interface))
            {
                site.checker.fail(format!(
                    "12: {container} of {} is up and has lost {}",
                    self.name, want.interface
                ));
            }
        }
    }
}
