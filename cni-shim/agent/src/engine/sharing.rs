//! Attachments that exclude each other on one parent.
//!
//! Which networks can share a link is judged when parents are chosen ([`crate::parents`]). This is about
//! what is attached already: mode passthru has its parent for one attachment, and a network's mode may
//! have changed since its older attachments were made.

use landfall_core::{agent::Key, network::Driver};
use landfall_crds::node::ServedNetwork;
use landfall_link::Parent as HostLink;

use super::Engine;
use crate::attach::PlanError;

impl Engine {
    /// Says which attachment on the parent excludes this one.
    pub(super) fn share(
        &self,
        key: &Key,
        network: &ServedNetwork,
        driver: &Driver,
        parent: &HostLink,
    ) -> Result<(), PlanError> {
        let mut others = self
            .facts
            .iter()
            .filter(|(other, facts)| *other != key && facts.parent == parent.index);
        let clash = others.find_map(|(_, facts)| Some((facts, driver.clash(&facts.driver())?)));
        clash.map_or(Ok(()), |(facts, clash)| {
            Err(PlanError::InUse {
                network: network.name.clone(),
                parent: parent.name.clone(),
                interface: facts.name.clone(),
                pod: facts.pod.clone(),
                clash,
            })
        })
    }
}
