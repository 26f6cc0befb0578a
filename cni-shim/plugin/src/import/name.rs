//! Names of another product, as ours.

use landfall_core::{
    attachment::{check_interface, check_label},
    network::Vlan,
};

use super::{
    network::Parent,
    place::{At, Fault},
};

/// The interface of that name.
pub(super) fn interface(at: &At, name: &str) -> Result<Parent, Fault> {
    let fault = |fault| {
        at.fault(format!(
            "is {name:?}, which no interface can be called: {fault}"
        ))
    };
    check_interface(name).map_err(|error| fault(error.to_string()))?;
    if name.contains(['*', '?']) {
        return Err(fault("it would match several".to_owned()));
    }
    Ok(Parent {
        interface: Some(name.to_owned()),
        ..Parent::default()
    })
}

pub(super) fn vlan_id(at: &At, id: u32) -> Result<u16, Fault> {
    let id = u16::try_from(id).ok().filter(|id| Vlan::IDS.contains(id));
    id.ok_or_else(|| at.fault("is no VLAN, expected a number from 1 to 4094"))
}

/// A DNS label that is as near to the name as can be.
pub(super) fn label(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let label: String = name.chars().map(plain).take(63).collect();
    let label = label.trim_matches('-');
    match check_label(label) {
        Ok(()) => label.to_owned(),
        Err(_) => "network".to_owned(),
    }
}
