//! `vlan`: a link with a tag, on top of the parent.

use landfall_core::{
    attachment::check_interface,
    id::Name,
    network::{Vlan, VlanProtocol},
};
use serde::de::Error as _;

use crate::standalone::object::{Malformed, Object};

/// `{"id": 70, "protocol": "802.1ad", "name": "storage"}`; all but `id` may be absent.
pub(super) fn read(config: &Object<'_>) -> Result<Option<Vlan>, Malformed> {
    let Some(vlan) = config.object("vlan")? else {
        return Ok(None);
    };
    let id: Option<u16> = vlan.get("id").map_err(inside)?;
    let id = id
        .filter(|id| Vlan::IDS.contains(id))
        .ok_or_else(|| wrong("vlan.id", "a VLAN needs an id from 1 to 4094"))?;
    let protocol: Option<String> = vlan.get("protocol").map_err(inside)?;
    let protocol: Option<VlanProtocol> = protocol
        .map(|word| word.parse())
        .transpose()
        .map_err(|error| wrong("vlan.protocol", error))?;
    let name: String = vlan.value("name").map_err(inside)?;
    let name = (!name.is_empty()).then_some(name.as_str());
    if let Some(name) = name {
        check_interface(name).map_err(|fault| {
            wrong(
                "vlan.name",
                format!("no interface is called {name:?}: {fault}"),
            )
        })?;
    }
    Ok(Some(Vlan {
        id,
        name: name.map(Name::from),
        protocol: protocol.unwrap_or_default(),
    }))
}

fn inside(error: Malformed) -> Malformed {
    error.inside("vlan")
}

fn wrong(key: &str, why: impl std::fmt::Display) -> Malformed {
    Malformed {
        key: key.to_owned(),
        why: serde_json::Error::custom(why),
    }
}
