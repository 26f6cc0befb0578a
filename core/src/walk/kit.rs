//! What the walks need: a network, and UIDs.

extern crate std;

use crate::{
    id::{Name, Uid},
    network::Network,
};

/// A macvlan network with these subnets, whole, in the segment of its name.
pub(crate) fn network(uid: Uid, name: &str, cidrs: &[&str]) -> Network {
    let cidrs = cidrs.iter().map(|cidr| cidr.parse().expect("a CIDR"));
    Network::sketch(uid, Name::from(name), cidrs)
}

/// The UID of a thing that the walks know by name.
pub(super) fn uid_of(name: &Name) -> Uid {
    Uid::of(name.as_str())
}
