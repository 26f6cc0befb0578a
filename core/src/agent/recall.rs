//! Recall and acknowledgement.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{Effect, step::Agent};
use crate::id::Seq;

/// Acknowledges every recall that no record stands against: in the same critical section as ADD's
/// check, since both run in `step`. A record of any phase holds its address under whatever seq: a
/// PENDING one may be about to make its link. An address never leaves a live sandbox.
pub(super) fn acknowledge(agent: &mut Agent<'_>) {
    if !agent.is_ready() {
        return;
    }
    let Some(snapshot) = &agent.durable.snapshot else {
        return;
    };
    let free: Vec<(IpAddr, Seq)> = snapshot
        .recalls
        .iter()
        .filter(|(address, _)| !agent.durable.holds(agent.rules, *address))
        .filter(|(address, _)| !agent.volatile.blocked.contains(address))
        .filter(|key| !agent.durable.released.contains(key))
        .copied()
        .collect();
    if !free.is_empty() {
        agent.durable.released.extend(free);
        if agent.rules.released_is_saved {
            agent.emit(Effect::SaveReleased);
        }
        agent.emit(Effect::Publish);
    }
}
