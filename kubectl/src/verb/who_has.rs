//! `who-has`: an address in every segment.

use std::net::IpAddr;

use serde_json::json;

use crate::{answer::Answer, holding::Holding, snapshot::Snapshot, unreadable::Unreadable};

/// Who holds the address, and which networks would hand it out.
///
/// # Errors
/// The block that would say so can't be read.
pub(crate) fn who_has(snapshot: &Snapshot, address: IpAddr) -> anyhow::Result<Answer> {
    let mut holdings = Holding::all(snapshot);
    holdings.retain(|holding| holding.address == Some(address));
    let mut unread = snapshot.unread.iter();
    let covers = |one: &&Unreadable| one.block().is_some_and(|id| id.covers(address));
    if let Some(unread) = unread.find(covers).filter(|_| holdings.is_empty()) {
        anyhow::bail!("who has {address} is not known: {unread}");
    }
    let networks = snapshot.networks.values();
    let pools: Vec<&str> = networks
        .filter(|facts| {
            let network = facts.network.as_ref();
            network.is_some_and(|network| network.subnet_of(address).is_some())
        })
        .map(|facts| facts.name.as_str())
        .collect();
    let text = match (&holdings[..], &pools[..]) {
        ([], []) => format!("{address}: nobody holds it, and no network hands it out\n"),
        ([], pools) => format!("{address}: free, of network {}\n", pools.join(", ")),
        (holdings, _) => holdings.iter().map(paragraph).collect(),
    };
    let answer = Answer {
        text,
        is_good: holdings.iter().any(Holding::is_held),
        json: json!({"address": address, "holdings": holdings, "networks": pools}),
    };
    Ok(answer.without(&snapshot.unread))
}

/// All that is known of one, a line each.
fn paragraph(holding: &Holding) -> String {
    let pod = match (&holding.pod, holding.owner) {
        (Some(pod), Some(owner)) => Some(format!("{pod} (UID {owner})")),
        (None, Some(owner)) => Some(format!("UID {owner}")),
        (pod, None) => pod.clone(),
    };
    let since = &holding.since;
    let state = since.as_ref().map_or_else(
        || holding.state.clone(),
        |since| format!("{} since {since}", holding.state),
    );
    let attached = if holding.attached { "yes" } else { "no" };
    let lines = [
        ("Address", holding.address.map(|a| a.to_string())),
        ("Segment", holding.segment.clone()),
        ("Network", Some(holding.network.clone())),
        ("State", Some(state)),
        ("Node", holding.node.clone()),
        ("Pod", pod),
        ("Interface", holding.interface.clone()),
        ("MAC", holding.mac.map(|mac| mac.to_string())),
        ("Sequence", holding.seq.map(|seq| seq.to_string())),
        ("Attached", Some(attached.to_owned())),
    ];
    let lines = lines.into_iter().filter_map(|(name, value)| {
        let name = format!("{name}:");
        Some(format!("{name:<11}{}\n", value?))
    });
    lines.collect()
}

#[cfg(test)]
mod tests;
