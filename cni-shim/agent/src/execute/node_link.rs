//! Links of the node made and removed: VLANs, and the bridges of networks without a parent.

use landfall_core::id::Name;
use landfall_link::{BridgeError, Node, VlanError};

use super::NodeLinkJob;
use crate::{
    parents::NodeLink,
    scan::{Roots, Scan, ScanError},
};

/// A link that was not made or not removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TendError {
    /// The kernel refused.
    #[error(transparent)]
    Vlan(#[from] VlanError),
    /// The kernel refused.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// It would take a link with it that is none of ours.
    #[error("{link} stays: {found} of another network namespace may hang from it")]
    Used {
        /// The link.
        link: Name,
        /// The link on it.
        found: Name,
    },
    /// Whether it is used can't be known.
    #[error("{link} stays")]
    Scan {
        /// The link.
        link: Name,
        /// Why.
        #[source]
        source: ScanError,
    },
}

/// Does what is asked. The kernel removes with a link all that hangs from it, in every namespace, so what
/// no record knows of (a plugin without an agent made it) is looked for first.
pub(super) fn tend(node: &mut Node, job: &NodeLinkJob, roots: &Roots) -> Result<(), TendError> {
    match job {
        NodeLinkJob::Make(NodeLink::Vlan(vlan)) => Ok(node.make_vlan(vlan).map(drop)?),
        NodeLinkJob::Make(NodeLink::Bridge(bridge)) => Ok(node.make_bridge(bridge).map(drop)?),
        NodeLinkJob::SetMtu { index, mtu } => Ok(node.set_vlan_mtu(*index, *mtu)?),
        NodeLinkJob::Remove { name, index } => {
            let scan = |source| TendError::Scan {
                link: name.clone(),
                source,
            };
            let devices = Scan::all(roots)
                .and_then(|all| all.devices())
                .map_err(scan)?;
            match devices.on(*index) {
                Some(found) => Err(TendError::Used {
                    link: name.clone(),
                    found: found.name.clone(),
                }),
                None => Ok(node.remove_vlan(*index)?),
            }
        }
    }
}
