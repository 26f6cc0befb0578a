//! `pool`: the addresses of a network.

use std::collections::BTreeMap;

use anyhow::Context as _;
use landfall_crds::network_spec::AddressCounts;
use serde_json::json;

use crate::{answer::Answer, holding::Holding, snapshot::Snapshot, table::table};

/// How many addresses a network has in which state, and who has them.
pub(crate) fn pool(snapshot: &Snapshot, name: &str) -> anyhow::Result<Answer> {
    let mut networks = snapshot.networks.values();
    let facts = networks.find(|facts| facts.name == name);
    let facts = facts.with_context(|| format!("there is no network {name}"))?;
    let mut holdings = Holding::all(snapshot);
    holdings.retain(|holding| holding.network == name);
    let addresses = facts.status.addresses.clone().unwrap_or_default();
    let families = [("IPv4", &addresses.ipv4), ("IPv6", &addresses.ipv6)];
    let families = families.into_iter();
    let rows = families.filter_map(|(family, counts)| Some(row(family, counts.as_ref()?)));
    let rows: Vec<Vec<String>> = rows.collect();
    let head = [
        "FAMILY",
        "CAPACITY",
        "GRANTED",
        "QUARANTINED",
        "COOLING",
        "CLAIMED",
        "FOREIGN",
        "FREE",
    ];
    let namespaces = by_namespace(&holdings);
    let limit = facts.network.as_ref().and_then(|n| n.limit_per_namespace);
    let of_each = namespaces.iter();
    let of_each: Vec<Vec<String>> = of_each
        .map(|(namespace, held)| vec![namespace.clone(), held.to_string()])
        .collect();
    let mut text = table(&head, &rows);
    if !of_each.is_empty() {
        let column = limit.map_or_else(|| "HELD".to_owned(), |limit| format!("HELD (of {limit})"));
        text = format!("{text}\n{}", table(&["NAMESPACE", &column], &of_each));
    }
    if !holdings.is_empty() {
        text = format!("{text}\n{}", Holding::table(&holdings));
    }
    let answer = Answer {
        text,
        is_good: true,
        json: json!({
            "network": name,
            "addresses": addresses,
            "limitPerNamespace": limit,
            "heldByNamespace": namespaces,
            "holdings": holdings,
        }),
    };
    Ok(answer.without(&snapshot.unread))
}

fn row(family: &str, counts: &AddressCounts) -> Vec<String> {
    let counts = [
        counts.capacity,
        counts.granted,
        counts.quarantined,
        counts.cooling,
        counts.claimed,
        counts.foreign,
        counts.free,
    ];
    let counts = counts.iter().map(u64::to_string);
    std::iter::once(family.to_owned()).chain(counts).collect()
}

/// What counts against `spec.limits.perNamespace`, where the namespace is known.
fn by_namespace(holdings: &[Holding]) -> BTreeMap<String, usize> {
    let mut held = BTreeMap::new();
    for holding in holdings
        .iter()
        .filter(|h| h.address.is_some() && h.is_held())
    {
        let pod = holding.pod.as_deref().and_then(|pod| pod.split_once('/'));
        if let Some((namespace, _)) = pod {
            *held.entry(namespace.to_owned()).or_default() += 1;
        }
    }
    held
}

#[cfg(test)]
mod tests;
