//! VLANs made and removed.

use landfall_core::id::Name;
use landfall_link::{BridgeError, Node, VlanError};

use super::VlanJob;
use crate::{
    parents::NodeLink,
    scan::{Roots, Scan, ScanError},
};

/// A VLAN that was not made or not removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TendError {
    /// The kernel refused.
    #[error(transparent)]
    Vlan(#[from] VlanError),
    /// The kernel refused.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// It would take a link with it that is none of ours.
    #[error("the VLAN {vlan} stays: {found} of another network namespace may hang from it")]
    Used {
        /// The VLAN.
        vlan: Name,
        /// The link on it.
        found: Name,
    },
    /// Whether it is used can't be known.
    #[error("the VLAN {vlan} stays")]
    Scan {
        /// The VLAN.
        vlan: Name,
        /// Why.
        #[source]
        source: ScanError,
    },
}

/// Does what is asked. The kernel removes with a VLAN all that hangs from it, in every namespace, so what
/// no record knows of (a plugin without an agent made it) is looked for first.
pub(super) fn tend(node: &mut Node, job: &VlanJob, roots: &Roots) -> Result<(), TendError> {
    match job {
        VlanJob::Make(NodeLink::Vlan(vlan)) => Ok(node.make_vlan(vlan).map(drop)?),
        VlanJob::Make(NodeLink::Bridge(bridge)) => Ok(node.make_bridge(bridge).map(drop)?),
        VlanJob::SetMtu { index, mtu } => Ok(node.set_vlan_mtu(*index, *mtu)?),
        VlanJob::Remove { name, index } => {
            let scan = |source| TendError::Scan {
                vlan: name.clone(),
                source,
            };
            let devices = Scan::all(roots)
                .and_then(|all| all.devices())
                .map_err(scan)?;
            match devices.on(*index) {
                Some(found) => Err(TendError::Used {
                    vlan: name.clone(),
                    found: found.name.clone(),
                }),
                None => Ok(node.remove_vlan(*index)?),
            }
        }
    }
}
