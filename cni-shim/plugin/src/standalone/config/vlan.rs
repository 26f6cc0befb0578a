//! `vlan`: a link with a tag, on top of the parent.

use landfall_core::{
    id::Name,
    network::{Vlan, VlanProtocol},
};
use serde::de::Error as _;

use crate::standalone::object::{Malformed, Object};

/// The tags that a link can have.
const IDS: std::ops::RangeInclusive<u16> = 1..=4094;

/// `{"id": 70, "protocol": "802.1ad", "name": "storage"}`; all but `id` may be absent.
pub(super) fn read(config: &Object<'_>) -> Result<Option<Vlan>, Malformed> {
    let Some(vlan) = config.object("vlan")? else {
        return Ok(None);
    };
    let id: Option<u16> = vlan.get("id")?;
    let id = id
        .filter(|id| IDS.contains(id))
        .ok_or_else(|| wrong("vlan.id", "a VLAN needs an id from 1 to 4094"))?;
    let protocol: Option<String> = vlan.get("protocol")?;
    let protocol: Option<VlanProtocol> = protocol
        .map(|word| word.parse())
        .transpose()
        .map_err(|error| wrong("vlan.protocol", error))?;
    let name: String = vlan.value("name")?;
    Ok(Some(Vlan {
        id,
        name: (!name.is_empty()).then(|| Name::from(name.as_str())),
        protocol: protocol.unwrap_or_default(),
    }))
}

fn wrong(key: &str, why: impl std::fmt::Display) -> Malformed {
    Malformed {
        key: key.to_owned(),
        why: serde_json::Error::custom(why),
    }
}
