//! `vlan`: the parent is a link with a tag on top of `master`, made when the first attachment needs it
//! and removed after the last one, if we made it.
//!
//! Who made it is written in its alias, in the kernel. Whether it is still used is asked of the kernel
//! too: a macvlan in mode passthru can only be made on a link that carries no other, in whatever
//! namespace those are, and lets none come after it.

use std::{fs::File, path::Path};

use landfall_core::{
    attachment::check_interface,
    id::Name,
    link::{ALIAS, Device, Step, index},
    network::{Driver, Macvlan, MacvlanMode, Vlan},
};
use landfall_link::{Chain, Netns, Node, Parent, Tag, VlanLink};
use nix::fcntl::Flock;

use super::{Call, internal, lock};
use crate::{spec::CniError, wire::RUN_DIR};

/// What `ip link` shows of a VLAN that was made here. The agent's are called by a network's UID.
const MADE: &str = "standalone";

/// No other call makes or removes a VLAN as long as this lives.
pub(super) struct Turn {
    _lock: Flock<File>,
}

impl Call<'_> {
    /// Waits for its turn to change VLANs, where the configuration has one.
    pub(super) fn turn(&self) -> Result<Option<Turn>, CniError> {
        if self.config.vlan.is_none() {
            return Ok(None);
        }
        let lock = lock::take(Path::new(RUN_DIR), 0o700, "standalone.lock", 0o600);
        let lock =
            lock.map_err(|(path, why)| internal(format!("cannot lock {}: {why}", path.display())))?;
        Ok(Some(Turn { _lock: lock }))
    }

    /// As [`Self::release_vlan`], when it is our turn.
    pub(super) fn release_vlan_in_turn(
        &self,
        below: &mut Node,
        netns: &Netns,
    ) -> Result<(), CniError> {
        match self.turn()? {
            Some(turn) => self.release_vlan(below, netns, &turn),
            None => Ok(()),
        }
    }

    /// Removes the VLAN if it was made here and nothing uses it. `netns` is a namespace to probe it from.
    pub(super) fn release_vlan(
        &self,
        below: &mut Node,
        netns: &Netns,
        _turn: &Turn,
    ) -> Result<(), CniError> {
        let Some(vlan) = &self.config.vlan else {
            return Ok(());
        };
        // Without its parent it is gone.
        let Ok(parent) = self.parent(below, None) else {
            return Ok(());
        };
        let wanted = wanted(vlan, (&parent.name, parent.index));
        let links = below.parents().map_err(|error| internal(Chain(&error)))?;
        let Some(found) = links.iter().find(|link| is(link, &wanted)) else {
            return Ok(());
        };
        let is_ours = found.alias.as_deref() == Some(&*wanted.alias);
        if !is_ours || found.is_used(&links) || is_used_elsewhere(below, netns, found.index) {
            return Ok(());
        }
        let removed = below.remove_vlan(found.index);
        removed.map_err(|error| internal(Chain(&error)))
    }
}

/// The index of the VLAN on top of a link: the one that is there, else a new one.
pub(super) fn on(
    below: &mut Node,
    vlan: &Vlan,
    parent: (&Name, u32),
    _turn: &Turn,
) -> Result<u32, CniError> {
    let wanted = wanted(vlan, parent);
    let links = below.parents().map_err(|error| internal(Chain(&error)))?;
    if let Some(found) = links.iter().find(|link| is(link, &wanted)) {
        return Ok(found.index);
    }
    if links.iter().any(|link| link.name == wanted.name) {
        let (name, master) = (&wanted.name, parent.0);
        let Tag { id, protocol } = wanted.tag;
        return Err(internal(format!(
            "{name} is there, but is no VLAN with id {id} ({protocol}) on {master}: choose another \
             name for it"
        )));
    }
    check_interface(wanted.name.as_str()).map_err(|fault| {
        let name = &wanted.name;
        internal(format!(
            "the VLAN can't be called {name}: {fault}; choose a name for it with vlan.name"
        ))
    })?;
    let made = below.make_vlan(&wanted);
    made.map_err(|error| internal(Chain(&error)))
}

/// Docker's name, unless another is given.
fn wanted(vlan: &Vlan, (master, parent): (&Name, u32)) -> VlanLink {
    let name = vlan.name.clone();
    VlanLink {
        name: name
            .unwrap_or_else(|| Name::from(Vlan::standard_name(master.as_str(), vlan.id).as_str())),
        parent,
        tag: Tag {
            id: vlan.id,
            protocol: vlan.protocol,
        },
        alias: format!("{ALIAS}{MADE}"),
    }
}

/// Whatever its name: the kernel has no second one of the same tag.
fn is(found: &Parent, wanted: &VlanLink) -> bool {
    found.tag == Some(wanted.tag) && found.below == Some(wanted.parent)
}

/// A link in another namespace. The probe, if it can be made, goes with the VLAN.
fn is_used_elsewhere(below: &mut Node, netns: &Netns, vlan: u32) -> bool {
    let own = index("landfall", &format!("{vlan}:{}", std::process::id()));
    let name = Name::from(format!("lf{own:08x}").as_str());
    let probe = Device {
        name: name.clone(),
        index: own,
        parent: vlan,
        driver: Driver::Macvlan(Macvlan {
            mode: MacvlanMode::Passthru,
            ..Macvlan::default()
        }),
        mac: None,
        mtu: None,
        tx_queue_length: None,
        all_multicast: false,
        alias: None,
    };
    // A refusal of any kind: it is used, or nobody knows.
    below.run(netns, &name, &[Step::Create(probe)]).is_err()
}

#[cfg(test)]
mod tests;
