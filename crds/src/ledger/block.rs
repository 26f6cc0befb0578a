//! AddressBlock and [`Block`].

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    block::{AddressBlock, AddressBlockSpec, ClaimRef, Entry, EntryState},
    keys::{finalizer, label},
};
use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use kube::ResourceExt as _;
use landfall_core::{
    id::{Name, Seq, Uid},
    ledger::{
        self, Block, BlockId, Holder, Millis, State,
        claims::{Kept, Share},
    },
    mac::Mac,
};

/// The ledger's block in an object.
pub fn read(object: &AddressBlock) -> Block {
    let spec = &object.spec;
    Block {
        id: id(object),
        seq: Seq {
            epoch: spec.epoch,
            counter: spec.counter,
        },
        entries: spec
            .entries
            .iter()
            .map(|(address, entry)| (*address, read_entry(entry)))
            .collect(),
    }
}

/// Which block an object is.
pub fn id(object: &AddressBlock) -> BlockId {
    BlockId::of(&Name::from(object.spec.segment.as_str()), object.spec.first)
}

/// Whether an object is the one that the ledger keeps these addresses in.
pub fn is_own(object: &AddressBlock) -> bool {
    let id = id(object);
    object.spec.first == id.first && object.name_any() == id.object_name()
}

/// The object of a block, on top of what it said before (`None`: it is made).
pub fn write(block: &Block, before: Option<&AddressBlock>) -> AddressBlock {
    let old = before.map(|object| &object.spec);
    let entries = block.entries.iter().map(|(address, entry)| {
        let known = old.and_then(|spec| spec.entries.get(address));
        (*address, write_entry(entry, known))
    });
    let spec = AddressBlockSpec {
        segment: block.id.segment.to_string(),
        first: block.id.first,
        epoch: block.seq.epoch,
        counter: block.seq.counter,
        ledger_epoch: old.and_then(|spec| spec.ledger_epoch),
        entries: entries.collect::<BTreeMap<IpAddr, Entry>>(),
    };
    match before {
        None => {
            let segment = block.id.segment.to_string();
            let mut object = AddressBlock::new(&block.id.object_name(), spec);
            object.metadata.finalizers = Some(vec![finalizer::ADDRESSES.to_owned()]);
            object.metadata.labels = Some(BTreeMap::from([(label::SEGMENT.to_owned(), segment)]));
            object
        }
        Some(object) => AddressBlock {
            metadata: object.metadata.clone(),
            spec,
        },
    }
}

fn read_entry(entry: &Entry) -> ledger::Entry {
    ledger::Entry {
        state: read_state(entry.state),
        seq: entry.seq.unwrap_or_default(),
        network: entry.network.unwrap_or_default(),
        holder: read_holder(entry),
        kept: entry.claim.as_ref().map(read_claim),
        foreign: entry.mac.filter(|_| entry.state == EntryState::Foreign),
        since: millis(&entry.since),
    }
}

/// An entry in a held state always has a holder: what the object lacks reads as zero, which no
/// machine is and no pod owns, so that such an entry stays held and is recalled for nobody. RESERVED for a
/// claim has none.
fn read_holder(entry: &Entry) -> Option<Holder> {
    let is_claims = entry.claim.is_some() && entry.owner.is_none();
    let is_reserved = entry.state == EntryState::Reserved && !is_claims;
    let has_holder = entry.state.is_held() || is_reserved;
    has_holder.then(|| Holder {
        node: Name::from(entry.node.as_deref().unwrap_or_default()),
        node_uid: entry.node_uid.unwrap_or_default(),
        machine: entry.machine_id.unwrap_or_default(),
        owner: entry.owner.unwrap_or_default(),
        interface: Name::from(entry.interface.as_deref().unwrap_or_default()),
        index: entry.index.unwrap_or_default(),
    })
}

fn write_entry(entry: &ledger::Entry, known: Option<&Entry>) -> Entry {
    let holder = entry.holder.as_ref();
    let known = known.filter(|known| known.seq == Some(entry.seq));
    Entry {
        state: write_state(entry.state),
        seq: Some(entry.seq).filter(|seq| *seq != Seq::default()),
        network: Some(entry.network).filter(|uid| *uid != Uid::default()),
        node: holder.map(|h| h.node.to_string()),
        node_uid: holder.map(|h| h.node_uid),
        machine_id: holder.map(|h| h.machine),
        owner: holder.map(|h| h.owner),
        interface: holder.map(|h| h.interface.to_string()),
        index: holder.map(|h| h.index).filter(|i| *i != 0),
        mac: entry.foreign.or_else(|| known_mac(entry, known)),
        claim: entry.kept.map(write_claim),
        since: micro_time(entry.since),
    }
}

fn read_claim(claim: &ClaimRef) -> Kept {
    let share = Share {
        claim: claim.uid,
        ordinal: claim.ordinal,
    };
    Kept {
        share,
        generation: claim.generation.unwrap_or_default(),
    }
}

fn write_claim(kept: Kept) -> ClaimRef {
    ClaimRef {
        uid: kept.share.claim,
        ordinal: kept.share.ordinal,
        generation: Some(kept.generation).filter(|generation| *generation != 0),
    }
}

/// Of a FOREIGN entry it is that of who uses the address, which ends with that state.
fn known_mac(entry: &ledger::Entry, known: Option<&Entry>) -> Option<Mac> {
    let is_of_state =
        |known: &&Entry| (known.state == EntryState::Foreign) == (entry.state == State::Foreign);
    known.filter(is_of_state)?.mac
}

fn read_state(state: EntryState) -> State {
    match state {
        EntryState::Reserved => State::Reserved,
        EntryState::Granted => State::Granted,
        EntryState::Recalling => State::Recalling,
        EntryState::Quarantined => State::Quarantined,
        EntryState::Fencing => State::Fencing,
        EntryState::Claimed => State::Claimed,
        EntryState::Cooling => State::Cooling,
        EntryState::Foreign => State::Foreign,
    }
}

fn write_state(state: State) -> EntryState {
    match state {
        State::Reserved => EntryState::Reserved,
        State::Granted => EntryState::Granted,
        State::Recalling => EntryState::Recalling,
        State::Quarantined => EntryState::Quarantined,
        State::Fencing => EntryState::Fencing,
        State::Claimed => EntryState::Claimed,
        State::Cooling => EntryState::Cooling,
        State::Foreign => EntryState::Foreign,
    }
}

fn millis(time: &MicroTime) -> Millis {
    Millis::try_from(time.0.as_millisecond()).unwrap_or_default()
}

fn micro_time(millis: Millis) -> MicroTime {
    let time = i64::try_from(millis)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok());
    MicroTime(time.unwrap_or(Timestamp::UNIX_EPOCH))
}
