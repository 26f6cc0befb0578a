//! What a node must be told. Pure and infallible: all that could be wrong was ruled out.

use landfall_crds::node::{LandfallNodeSpec, NodeIdentity};

/// Whether a node object may take this identity.
///
/// Another machine under the old name must not serve what the one before it was granted: as long as
/// such grants are listed, the object keeps the old identity, and the new machine, which sees that
/// it is not meant, serves nothing (docs/ipam-protocol.md, "Who speaks"). The same machine that
/// registered again goes on.
pub(crate) fn may_become(spec: &LandfallNodeSpec, identity: &NodeIdentity) -> bool {
    let same_machine = spec.node.machine_id == identity.machine_id;
    let is_free = spec.grants.is_empty() && spec.recalls.is_empty() && spec.fenced.is_empty();
    same_machine || is_free
}

#[cfg(test)]
mod tests;
