//! Schemas that derive can't know: enumerations of core, and repairs on what derive makes.

use landfall_core::network::{
    DefaultRoute, IpamType, IpvlanFlag, IpvlanMode, MacvlanMode, NodeDeletion, VlanProtocol,
};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Number, Value};

/// A string that is one of these words.
fn words(words: &[&str]) -> Schema {
    json_schema!({"type": "string", "enum": words})
}

/// One function for each enumeration of core that is a field of an object.
macro_rules! word_schemas {
    ($($function:ident = $enumeration:ident,)+) => {
        $(pub(crate) fn $function(_: &mut SchemaGenerator) -> Schema {
            words($enumeration::WORDS)
        })+
    };
}

word_schemas! {
    ipvlan_flag = IpvlanFlag,
    vlan_protocol = VlanProtocol,
    ipam_type = IpamType,
    default_route = DefaultRoute,
    node_deletion = NodeDeletion,
}

/// The mode with its default, which columns show; ours, not the kernel's (that is vepa).
pub(crate) fn macvlan_mode_default(_: &mut SchemaGenerator) -> Schema {
    words_with_default(MacvlanMode::WORDS, MacvlanMode::default().as_str())
}

/// The mode with its default, which columns show; ours, not the kernel's (that is l3).
pub(crate) fn ipvlan_mode_default(_: &mut SchemaGenerator) -> Schema {
    words_with_default(IpvlanMode::WORDS, IpvlanMode::default().as_str())
}

fn words_with_default(words: &[&str], default: &str) -> Schema {
    json_schema!({"type": "string", "enum": words, "default": default})
}

/// Repairs a schema, and all below it, where derive writes what the API server does not know or
/// people should not see: unsigned formats, `nullable` beside an absent field, a default of null,
/// whole numbers as fractions (`65535.0`), and the line breaks of doc comments.
pub(crate) fn repair(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("type").is_some_and(Value::is_string) {
                repair_node(map);
            }
            map.values_mut().for_each(repair);
        }
        Value::Array(items) => items.iter_mut().for_each(repair),
        Value::Number(number) => {
            if let Some(whole) = whole(number) {
                *schema = whole.into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A schema node is an object whose `type` is a text; a map of properties has at most a property of
/// that name, which is an object.
fn repair_node(map: &mut Map<String, Value>) {
    repair_format(map);
    map.remove("nullable");
    if map.get("default").is_some_and(Value::is_null) {
        map.remove("default");
    }
    if let Some(Value::String(description)) = map.get_mut("description") {
        *description = paragraphs(description);
    }
}

/// The text with one line for each paragraph.
fn paragraphs(text: &str) -> String {
    let one = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("\n\n").map(one).collect::<Vec<_>>().join("\n")
}

/// The formats of integers that OpenAPI knows are int32 and int64.
fn repair_format(map: &mut Map<String, Value>) {
    let format = match map.get("format").and_then(Value::as_str) {
        Some("uint8" | "uint16" | "int8" | "int16") => "int32",
        Some("uint32" | "uint64" | "uint") => "int64",
        Some("ip" | "ipv4" | "ipv6") | None => {
            map.remove("format");
            return;
        }
        Some(_) => return,
    };
    map.insert("format".to_owned(), format.into());
}

/// The number as an integer, if it was written as a fraction without need.
fn whole(number: &Number) -> Option<i64> {
    if number.is_i64() || number.is_u64() {
        return None;
    }
    let text = number.to_string();
    text.strip_suffix(".0")?.parse().ok()
}

#[cfg(test)]
mod tests;
