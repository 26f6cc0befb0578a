//! What is in use, as entries of a block.

use core::net::IpAddr;

use crate::{
    id::Name,
    ledger::{
        Block, BlockId, Entry, Holder, Millis, State,
        view::{InUse, NodeView},
    },
};

/// What stays of an entry of the backup if nobody says that the address is in use: what was held rests,
/// for neighbours in the LAN remember it. What a claim keeps is the claim's.
pub(super) fn kept(entry: &Entry, now: Millis) -> Option<Entry> {
    let mut entry = entry.clone();
    match entry.state {
        State::Reserved if entry.kept.is_none() => return None,
        State::Reserved
        | State::Granted
        | State::Recalling
        | State::Quarantined
        | State::Fencing => {
            entry.state = match entry.kept {
                Some(_) => State::Claimed,
                None => State::Cooling,
            };
            entry.since = now;
            entry.holder = None;
        }
        State::Claimed | State::Cooling | State::Foreign => {}
    }
    Some(entry)
}

/// Whether an address in use is one of the block's. A network that nobody knows (it was made after the
/// backup, or a link says nothing of its own) may be of any segment.
pub(in crate::ledger) fn is_in(segment: Option<&Name>, used: &InUse, id: &BlockId) -> bool {
    id.covers(used.address) && segment.is_none_or(|segment| *segment == id.segment)
}

/// Who holds an address that is in use.
pub(in crate::ledger) fn holder_of(name: &Name, node: &NodeView, used: &InUse) -> Holder {
    node.holder(name, used.owner, &used.interface, 0)
}

/// Enters an address in use as GRANTED under a new seq, unless it is held already.
pub(in crate::ledger) fn enter(block: &mut Block, used: &InUse, holder: Holder, since: Millis) {
    let known: Option<&Entry> = block.entries.get(&used.address);
    if known.is_some_and(|entry| entry.state.is_held()) {
        return;
    }
    let known = known.cloned();
    let seq = block.draw();
    let fresh = || Entry {
        state: State::Granted,
        seq,
        network: used.network,
        holder: None,
        kept: None,
        foreign: None,
        since,
    };
    let mut entry = known.unwrap_or_else(fresh);
    entry.state = State::Granted;
    entry.seq = seq;
    entry.network = used.network;
    entry.holder = Some(holder);
    entry.foreign = None;
    entry.since = since;
    let address: IpAddr = used.address;
    block.entries.insert(address, entry);
}
