//! Reserve and grant: which addresses an owner needs, and taking them.

use alloc::{format, string::String, vec::Vec};
use core::net::IpAddr;

use super::{
    BlockId, Decision, Entry, Holder, State, View, choose,
    claims::{self, ByClaim, Draw, Kept, Share},
    draft::{Drafts, Held, Taken},
    limit,
    macs::Macs,
    specs::Specs,
    view::{Grant, NodeSpec, NodeView, Pod, Refusal, Want},
};
use crate::{address::Family, id::Uid, mac::Mac};

/// The place of one address: a grant fills at most one for each (owner, network, interface,
/// family, index).
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'v> {
    pub(super) want: &'v Want,
    pub(super) family: Family,
    pub(super) index: u16,
    pub(super) requested: Option<IpAddr>,
    /// Whose address it is, if a claim keeps it.
    pub(super) claim: Option<Share>,
}

impl Slot<'_> {
    /// Whether the entry fills this slot.
    pub(super) fn is_filled_by(&self, address: IpAddr, entry: &Entry, holder: &Holder) -> bool {
        entry.network == self.want.network
            && holder.interface == self.want.interface
            && holder.index == self.index
            && Family::of(address) == self.family
            && self.requested.is_none_or(|requested| requested == address)
    }

    /// Whether a spec lists a grant of the owner in this place, whatever its address.
    pub(super) fn is_taken(&self, owner: Uid, spec: &NodeSpec) -> bool {
        self.takers(owner, spec).next().is_some()
    }

    /// The grants of the owner that a spec lists in this place.
    pub(super) fn takers<'s>(
        &'s self,
        owner: Uid,
        spec: &'s NodeSpec,
    ) -> impl Iterator<Item = &'s Grant> {
        spec.grants.iter().filter(move |grant| {
            grant.owner == owner
                && grant.interface == self.want.interface
                && grant.network == self.want.network
                && grant.index == self.index
                && grant
                    .address
                    .is_some_and(|(address, _)| Family::of(address) == self.family)
        })
    }
}

/// Every address that the pod needs on that node, in a fixed order: (interface, family).
pub(super) fn slots<'v>(view: &View, pod: &'v Pod) -> Vec<Slot<'v>> {
    let mut slots = Vec::new();
    for want in &pod.wants {
        let Some(network) = view.networks.get(&want.network) else {
            continue;
        };
        if want.claim.is_some() || want.addresses.is_empty() {
            let families = network.network.families();
            slots.extend(families.map(|family| Slot {
                want,
                family,
                index: 0,
                requested: None,
                claim: want.claim.filter(|share| view.claims.has(*share, family)),
            }));
            continue;
        }
        for (index, address) in (0_u16..).zip(&want.addresses) {
            let (family, requested) = (Family::of(*address), Some(*address));
            slots.push(Slot {
                want,
                family,
                index,
                requested,
                claim: None,
            });
        }
    }
    slots
}

/// Where entries are.
#[derive(Clone, Copy)]
pub(super) struct Entries<'e, 'v> {
    /// By owner.
    pub(super) held: &'e Held<'v>,
    /// By claim.
    pub(super) kept: &'e ByClaim<'v>,
}

/// Why a pod gets nothing now.
enum Stop {
    /// What it waits for comes by itself, and shortly.
    Wait,
    Refuse(Refusal),
}

/// **Grant**, ledger half: every pod that lacks an address gets one, or a refusal.
pub(super) fn grant<'v>(
    view: &'v View,
    entries: Entries<'_, '_>,
    drafts: &mut Drafts<'_>,
    specs: &Specs<'_>,
    macs: &mut Macs<'v>,
    decision: &mut Decision,
) {
    for (owner, pod) in in_turn(view) {
        let outcome = match (&pod.refusal, view.nodes.get(&pod.node)) {
            (Some(refusal), _) => Err(refusal.clone()),
            (None, Some(node)) if node.is_served() => serve(
                view,
                entries,
                drafts,
                macs,
                decision,
                Served {
                    owner: *owner,
                    pod,
                    node,
                    spec: specs.get(&pod.node).unwrap_or(&node.spec),
                },
            ),
            // An agent that restarts is no news to a pod that has all it asked for.
            (None, _) if has_all(view, entries.held, *owner, pod) => Ok(()),
            (None, None) if view.unread.nodes.contains(&pod.node) => Err(unread_node(pod)),
            (None, _) => Err(no_agent(pod)),
        };
        if let Err(refusal) = outcome {
            decision.refusals.insert(*owner, refusal);
        }
    }
}

/// All pods, the older first: where addresses are few, one that waits must not see younger ones served
/// before it for ever, because their UIDs are lower.
fn in_turn(view: &View) -> impl Iterator<Item = (&Uid, &Pod)> {
    let mut pods: Vec<_> = view.pods.iter().collect();
    pods.sort_unstable_by_key(|(owner, pod)| (pod.created, **owner));
    pods.into_iter()
}

/// Whether every address that the pod needs is in the ledger.
pub(super) fn has_all(view: &View, held: &Held<'_>, owner: Uid, pod: &Pod) -> bool {
    let mine = held.get(&owner).map_or(&[][..], Vec::as_slice);
    let slots = slots(view, pod);
    let is_filled = |slot: &Slot<'_>| {
        mine.iter()
            .any(|(_, address, entry, holder)| slot.is_filled_by(*address, entry, holder))
    };
    !slots.is_empty() && slots.iter().all(is_filled)
}

/// The pod that is being served.
#[derive(Clone, Copy)]
struct Served<'v> {
    owner: Uid,
    pod: &'v Pod,
    node: &'v NodeView,
    /// The node object's, without what leaves it now.
    spec: &'v NodeSpec,
}

fn serve<'v>(
    view: &'v View,
    entries: Entries<'_, '_>,
    drafts: &mut Drafts<'_>,
    macs: &mut Macs<'v>,
    decision: &mut Decision,
    served: Served<'_>,
) -> Result<(), Refusal> {
    let slots = slots(view, served.pod);
    let held = entries.held.get(&served.owner);
    let mine = held.map_or(&[][..], Vec::as_slice);
    let fills = |slot: &Slot<'_>| {
        mine.iter()
            .find(|(_, address, entry, holder)| slot.is_filled_by(*address, entry, holder))
    };
    // An address of this slot that is on its way back blocks the slot: a spec never lists two. One
    // that another node lists is none to go on with.
    let going = slots
        .iter()
        .filter_map(&fills)
        .any(|(id, address, entry, _)| {
            !matches!(entry.state, State::Reserved | State::Granted)
                || drafts.is_barred(&id.segment, *address).is_some()
        });
    if going {
        return Ok(());
    }
    served.take_macs(macs)?;
    let missing: Vec<Slot<'_>> = slots
        .iter()
        .copied()
        .filter(|slot| fills(slot).is_none())
        .collect();
    if missing.is_empty() {
        for (id, address, entry, _) in slots.iter().filter_map(&fills) {
            if entry.state == State::Reserved {
                drafts.turn(id, *address, State::Granted);
            }
        }
        return Ok(());
    }
    // The node has a grant in this place of which the ledger, as it was last seen, knows nothing: one
    // of the two is behind, or was edited.
    if missing
        .iter()
        .any(|slot| slot.is_taken(served.owner, served.spec))
    {
        return Ok(());
    }
    let chosen = match choose_all(view, entries, drafts, decision, served, &missing) {
        Ok(chosen) => chosen,
        Err(stop) => {
            give_back(mine, drafts);
            return stop.outcome();
        }
    };
    if chosen.iter().all(|(id, _, _)| !drafts.is_missing(id)) {
        let is_all = missing.len() == slots.len();
        take(view, drafts, served, chosen, is_all);
    }
    Ok(())
}

/// Takes what was chosen: all that the pod needs, or what it lacks.
fn take(
    view: &View,
    drafts: &mut Drafts<'_>,
    served: Served<'_>,
    chosen: Vec<(BlockId, IpAddr, Slot<'_>)>,
    is_all: bool,
) {
    // One block write is atomic; over several blocks all are RESERVED first.
    let mut blocks = chosen.iter().map(|(id, _, _)| id);
    let first = blocks.next();
    let alone = is_all && blocks.all(|id| Some(id) == first);
    let state = if alone {
        State::Granted
    } else {
        State::Reserved
    };
    for (id, address, slot) in chosen {
        let taken = Taken {
            state,
            network: slot.want.network,
            holder: served.holder(&slot),
            kept: kept(view, &slot),
        };
        drafts.take(&id, address, taken);
    }
}

/// The mark of the claim that a slot is filled from.
fn kept(view: &View, slot: &Slot<'_>) -> Option<Kept> {
    let share = slot.claim?;
    let claim = view.claims.standing(share.claim)?;
    Some(Kept {
        share,
        generation: claim.generation,
    })
}

// === impl Stop ===

impl Stop {
    fn outcome(self) -> Result<(), Refusal> {
        match self {
            Self::Wait => Ok(()),
            Self::Refuse(refusal) => Err(refusal),
        }
    }
}

// === impl Served ===

impl Served<'_> {
    /// A requested hardware address must be nobody else's.
    fn take_macs(&self, macs: &mut Macs<'_>) -> Result<(), Refusal> {
        for want in &self.pod.wants {
            let Some(mac) = want.mac else { continue };
            let is_listed = self.spec.grants.iter().any(|grant| {
                grant.owner == self.owner
                    && grant.interface == want.interface
                    && grant.network == want.network
            });
            if !is_listed && !macs.take(self.owner, &want.interface, want.network, mac) {
                return Err(mac_in_use(want, mac));
            }
        }
        Ok(())
    }

    fn holder(&self, slot: &Slot<'_>) -> Holder {
        let (name, interface) = (&self.pod.node, &slot.want.interface);
        self.node.holder(name, self.owner, interface, slot.index)
    }
}

/// An address for each slot, or the reason why one has none. Within one pod no address is chosen
/// twice, though the drafts do not know of them yet.
fn choose_all<'p>(
    view: &View,
    entries: Entries<'_, '_>,
    drafts: &mut Drafts<'_>,
    decision: &mut Decision,
    served: Served<'_>,
    missing: &[Slot<'p>],
) -> Result<Vec<(BlockId, IpAddr, Slot<'p>)>, Stop> {
    limit::check(view, entries.held, drafts, served.pod, missing).map_err(Stop::Refuse)?;
    let mut chosen: Vec<(BlockId, IpAddr, Slot<'p>)> = Vec::new();
    for slot in missing {
        let Some(network) = view.networks.get(&slot.want.network) else {
            continue;
        };
        if let Some(refusal) = &network.closed {
            return Err(Stop::Refuse(refusal.clone()));
        }
        if let Some(why) = served.node.without_parent.get(&slot.want.network) {
            return Err(Stop::Refuse(no_parent(served.pod, why)));
        }
        let barred = drafts.barred(&network.network.segment);
        let taken = chosen.iter().map(|(_, address, _)| *address);
        let taken: Vec<IpAddr> = taken.chain(barred).collect();
        let choice = match (slot.claim, slot.requested) {
            (Some(share), _) => {
                let draw = Draw {
                    share,
                    family: slot.family,
                    network,
                    labels: &served.node.labels,
                    taken: &taken,
                };
                claims::draw(view, drafts, entries.kept, decision, draw).ok_or(Stop::Wait)?
            }
            (None, Some(address)) => {
                let namespace = Some(&served.pod.namespace);
                choose::requested(view, drafts, network, address, &taken, namespace)
            }
            (None, None) if may_be_kept(entries, decision, slot.want) => return Err(Stop::Wait),
            (None, None) => choose::choose(
                view,
                drafts,
                network,
                &served.node.labels,
                slot.family,
                &taken,
            ),
        };
        let (id, address) = choice.had(drafts).map_err(|choice| {
            let shortage = || exhausted(network.network.name.as_str(), slot);
            Stop::Refuse(choice.refusal(decision, shortage))
        })?;
        chosen.push((id, address, *slot));
    }
    Ok(chosen)
}

/// Whether a claim that nobody knows may be for this want, of which no claim is known.
fn may_be_kept(entries: Entries<'_, '_>, decision: &Decision, want: &Want) -> bool {
    let unknown = &decision.unknown_claims;
    want.claim.is_none() && claims::is_hidden(entries.kept, unknown, want.network)
}

/// If one address can't be had, the RESERVED others go back before the next attempt. One that is
/// GRANTED already (a lost race) stays: it goes with its pod, by recall.
fn give_back(mine: &[(&BlockId, IpAddr, &Entry, &Holder)], drafts: &mut Drafts<'_>) {
    for (id, address, entry, _) in mine {
        if entry.state == State::Reserved {
            drafts.give_back(id, *address);
        }
    }
}

fn exhausted(network: &str, slot: &Slot<'_>) -> String {
    let family = slot.family;
    match slot.requested {
        None => format!(
            "network {network} has no free {family} address for this node: the pod starts by \
             itself when one is released; widen spec.ipam.subnets to have more"
        ),
        Some(address) => format!(
            "address {address} of network {network} is in use: the pod starts by itself when it \
             is released"
        ),
    }
}

fn mac_in_use(want: &Want, mac: Mac) -> Refusal {
    let message = format!(
        "hardware address {mac} for {} is another attachment's in the same segment: the pod starts by \
         itself when that is gone; request another one, or none",
        want.interface
    );
    Refusal {
        reason: String::from("InvalidAnnotation"),
        message,
        is_final: false,
    }
}

fn unread_node(pod: &Pod) -> Refusal {
    let message = format!(
        "LandfallNode {} can't be read, and nothing is granted there before it is mended: its Events \
         say what is wrong",
        pod.node
    );
    Refusal {
        reason: String::from("NoAgentOnNode"),
        message,
        is_final: false,
    }
}

/// What can't be attached would keep an address from a pod of another node.
fn no_parent(pod: &Pod, why: &str) -> Refusal {
    let node = &pod.node;
    let message = format!("on node {node}, {why}: the pod starts by itself when there is one");
    Refusal {
        reason: String::from("ParentInterfaceMissing"),
        message,
        is_final: false,
    }
}

fn no_agent(pod: &Pod) -> Refusal {
    let message = format!(
        "node {} has no Ready landfall-agent: the pod gets its addresses when the DaemonSet's pod \
         there is Ready",
        pod.node
    );
    Refusal {
        reason: String::from("NoAgentOnNode"),
        message,
        is_final: false,
    }
}

#[cfg(test)]
mod tests;
