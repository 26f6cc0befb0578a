//! The networks, as users would make them.

use serde_json::{Value, json};

/// The network that is deleted and made again.
pub(super) const PASSING: &str = "passing";

/// A network: name, and its subnets. All are in one segment.
pub(super) const NETWORKS: [(&str, &[&str]); 3] = [
    // Short of addresses most of the time.
    ("scarce", &["10.98.0.0/26"]),
    ("dual", &["10.98.1.0/25", "fd00:98:1::/64"]),
    (PASSING, &["10.98.2.0/26"]),
];

/// A network.
pub(super) fn network(name: &str, subnets: &[&str]) -> Value {
    let subnets: Vec<_> = subnets.iter().map(|cidr| json!({"cidr": cidr})).collect();
    json!({
        "apiVersion": "landfall.dev/v1alpha1", "kind": "MacvlanNetwork",
        "metadata": {"name": name},
        "spec": {
            "namespaces": {},
            "parents": [{"interface": super::rig::PARENT}],
            "ipam": {"subnets": subnets, "reuseDelay": {"preferred": "2s", "minimum": "1s"}},
        },
    })
}

/// How many addresses a pod with that annotation must get.
pub(super) fn addresses(asks: &str) -> usize {
    let networks = asks.split(',');
    let subnets = networks.filter_map(|asked| NETWORKS.iter().find(|(name, _)| *name == asked));
    subnets.map(|(_, subnets)| subnets.len()).sum()
}
