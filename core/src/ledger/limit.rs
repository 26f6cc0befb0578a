//! `limits.perNamespace`: how many addresses of a network one namespace may hold, so that no single
//! Deployment drains a pool.
//!
//! Addresses of both families count, and so does one that is on its way back: until its node has
//! released it nobody else can have it. One that rests counts for nobody.
//!
//! A rule for fairness, not for safety: two operators at once could each grant the last one.

use alloc::{collections::BTreeMap, format, string::String};

use super::{
    Holder, View,
    draft::{Drafts, Held},
    grant::Slot,
    view::{Pod, Refusal},
};
use crate::id::{Name, Uid};

/// Addresses that are reserved or held, by network and namespace. Only of networks with a limit.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<(Uid, Name), u64>);

/// Whether the pod's namespace may hold what the pod lacks; all of it, or nothing.
pub(super) fn check(
    view: &View,
    held: &Held<'_>,
    drafts: &mut Drafts<'_>,
    pod: &Pod,
    missing: &[Slot<'_>],
) -> Result<(), Refusal> {
    for want in &pod.wants {
        // One that is closed is refused for that.
        let network = view.networks.get(&want.network);
        let network = network.filter(|network| network.closed.is_none());
        let network = network.map(|network| &network.network);
        let limit = network.and_then(|network| Some((network, network.limit_per_namespace?)));
        let Some((network, limit)) = limit else {
            continue;
        };
        let more = missing.iter();
        let more = more
            .filter(|slot| slot.want.network == want.network)
            .count();
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        let counts = Counts::of(view, held, drafts);
        let has = counts.has(want.network, &pod.namespace);
        if more > 0 && has.saturating_add(more) > u64::from(limit) {
            return Err(over(&pod.namespace, &network.name, limit, more));
        }
    }
    Ok(())
}

// === impl Counts ===

impl Counts {
    /// What is held after this decision, as far as it has gone.
    fn of<'d>(view: &View, held: &Held<'_>, drafts: &'d mut Drafts<'_>) -> &'d Self {
        if drafts.counts.is_none() {
            let mut counts = Self::default();
            for (id, address, entry, holder) in held.values().flatten() {
                let now = drafts
                    .block(id)
                    .and_then(|block| block.entries.get(address));
                if now.is_some_and(|now| now.holder.is_some()) {
                    counts.add(view, entry.network, holder);
                }
            }
            drafts.counts = Some(counts);
        }
        drafts.counts.get_or_insert_default()
    }

    /// Counts one address. An owner of which neither a pod nor a node object tells the namespace counts
    /// for nobody: its address was never pushed, and goes back at once.
    pub(super) fn add(&mut self, view: &View, network: Uid, holder: &Holder) {
        let limited = view.networks.get(&network);
        if limited.is_none_or(|n| n.network.limit_per_namespace.is_none()) {
            return;
        }
        let pod = view.pods.get(&holder.owner).map(|pod| &pod.namespace);
        let node = view.nodes.get(&holder.node);
        if let Some(namespace) = pod.or_else(|| node?.namespaces.get(&holder.owner)) {
            *self.0.entry((network, namespace.clone())).or_default() += 1;
        }
    }

    fn has(&self, network: Uid, namespace: &Name) -> u64 {
        let key = (network, namespace.clone());
        self.0.get(&key).copied().unwrap_or_default()
    }
}

/// The sentence does not say how many are held: it would be another one with every pod that ends.
fn over(namespace: &Name, network: &Name, limit: u32, more: u64) -> Refusal {
    let message = format!(
        "namespace {namespace} may hold no more than {limit} of the addresses of network {network} \
         (spec.limits.perNamespace) and has no room for {more} more: the pod starts by itself when \
         the namespace releases some; raise the limit to have more"
    );
    Refusal {
        reason: String::from("AddressPoolExhausted"),
        message,
        is_final: false,
    }
}

#[cfg(test)]
mod tests;
