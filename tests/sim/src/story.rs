//! What a failure shows: what happened last, and what it came to.

use std::fmt::{Arguments, Write as _};

use landfall_core::ledger::view::Grant;

use crate::{api::Node, world::World};

fn line(text: &mut String, words: Arguments<'_>) {
    let written = writeln!(text, "{words}");
    debug_assert!(written.is_ok(), "a String takes everything");
}

// === impl World ===

impl World {
    /// What happened last, and what it came to.
    pub(crate) fn story(&self) -> String {
        let mut text = self.site.trace.text();
        if text.is_empty() {
            return text;
        }
        for block in self.site.api.blocks.all() {
            line(
                &mut text,
                format_args!("block {} {}", block.meta.key.object_name(), block.spec.seq),
            );
            for (address, entry) in &block.spec.entries {
                let holder = entry.holder.as_ref();
                let holder = holder.map(|h| format!("{} {} {}", h.node, h.owner, h.interface));
                line(
                    &mut text,
                    format_args!("  {address} {} {:?} {holder:?}", entry.seq, entry.state),
                );
            }
        }
        for object in self.site.api.nodes.all() {
            let Node { identity, protocol } = &object.spec;
            let keys = |grants: &[Grant]| {
                let keys = grants.iter().filter_map(|grant| grant.address);
                keys.map(|(address, seq)| format!("{address} {seq}"))
                    .collect::<Vec<_>>()
            };
            let (grants, fenced) = (keys(&protocol.grants), keys(&protocol.fenced));
            let released = &object.status.said.released;
            line(
                &mut text,
                format_args!(
                    "node object {} for {}: grants {grants:?} recalls {:?} fenced {fenced:?} released {released:?}",
                    object.meta.key,
                    identity.machine.0 & 0xff,
                    protocol.recalls
                ),
            );
        }
        for machine in &self.machines {
            line(
                &mut text,
                format_args!(
                    "machine {} {}: on {} cut {} ready {} links {:?}",
                    machine.name,
                    machine.id.0 & 0xff,
                    machine.is_on,
                    machine.is_cut,
                    machine.is_ready(),
                    machine.links
                ),
            );
        }
        text
    }
}
