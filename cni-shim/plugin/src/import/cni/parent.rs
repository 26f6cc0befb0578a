//! The parent of a CNI configuration.

use super::super::{
    fields::Fields,
    name,
    network::{Network, Parent, Vlan},
    place::Fault,
};

/// Its `master`: without one, the interface of the default route.
pub(super) fn parent(fields: &mut Fields, network: &mut Network) -> Result<Parent, Fault> {
    let master = fields.text("master")?;
    let mut parent = match &master {
        Some((at, name)) => name::interface(at, name)?,
        None => Parent {
            from_default_route: Some(true),
            ..Parent::default()
        },
    };
    parent.vlan = vlan(fields)?;
    if let Some((at, name)) = master.filter(|_| parent.vlan.is_none())
        && let Some((base, id)) = landfall_core::network::Vlan::spelled(&name)
    {
        network.notes.at(&at, format_args!(
            "{name} must be there on each node; to have it made, write interface: {base}, vlan: {{id: {id}}}"
        ));
    }
    Ok(parent)
}

/// `vlanId` of the reference's vlan, or `vlan` of our own.
fn vlan(fields: &mut Fields) -> Result<Option<Vlan>, Fault> {
    if let Some((at, id)) = fields.number("vlanId")? {
        return Ok(Some(Vlan {
            id: name::vlan_id(&at, id)?,
            name: None,
            protocol: None,
        }));
    }
    let Some(mut vlan) = fields.object("vlan")? else {
        return Ok(None);
    };
    let at = vlan.place().field("id");
    let Some((at, id)) = vlan.number("id")? else {
        return Err(at.fault("is missing, expected a number from 1 to 4094"));
    };
    let id = name::vlan_id(&at, id)?;
    let name = vlan.text("name")?;
    if let Some((at, name)) = &name {
        name::interface(at, name)?;
    }
    let protocol = vlan.text("protocol")?;
    let protocol = protocol.map(|(at, word)| {
        word.parse()
            .map_err(|error| at.fault(format!("is {word:?}: {error}")))
    });
    Ok(Some(Vlan {
        id,
        name: name.map(|(_, name)| name),
        protocol: protocol.transpose()?,
    }))
}
