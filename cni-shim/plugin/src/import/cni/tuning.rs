//! The other plugins of a list. What tuning sets is part of the network here.

use std::collections::BTreeMap;

use landfall_core::network::SYSCTLS;
use serde_json::Value;

use super::{
    super::{
        fields::{Fields, brief},
        network::{Link, Network},
        place::{Fault, Notes},
    },
    remarks,
};

/// Takes over what a network has a field for.
pub(super) fn chained(mut fields: Fields, network: &mut Network) -> Result<(), Fault> {
    let at = fields.place().clone();
    let kind = fields
        .text("type")?
        .map(|(_, kind)| kind)
        .unwrap_or_default();
    if kind != "tuning" {
        network
            .notes
            .at(&at, format_args!("the plugin {kind} has no equivalent"));
        return Ok(());
    }
    for own in [
        "name",
        "cniVersion",
        "capabilities",
        "runtimeConfig",
        "dataDir",
    ] {
        drop(fields.take(own));
    }
    if let Some((at, mtu)) = fields.number("mtu")? {
        network.set_mtu(&at, mtu)?;
    }
    let link = Link {
        tx_queue_length: fields.number("txQLen")?.map(|(_, length)| length),
        all_multicast: fields.flag("allmulti")?.then_some(true),
    };
    if link.tx_queue_length.is_some() || link.all_multicast.is_some() {
        network.spec.link = Some(link);
    }
    if let Some(sysctl) = fields.object("sysctl")? {
        network.spec.sysctls = sysctls(sysctl, &mut network.notes);
    }
    remarks(&mut fields, network)?;
    fields.report(&mut network.notes);
    Ok(())
}

fn sysctls(fields: Fields, notes: &mut Notes) -> BTreeMap<String, String> {
    let mut sysctls = BTreeMap::new();
    for (name, at, value) in fields.rest() {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            odd @ (Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                brief(&odd)
            }
        };
        let is_number =
            (1..=10).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
        if SYSCTLS.contains(&name.as_str()) && is_number {
            drop(sysctls.insert(name, value));
        } else {
            notes.at(
                &at,
                format_args!("{value} is not among the sysctls that a network may set"),
            );
        }
    }
    sysctls
}
