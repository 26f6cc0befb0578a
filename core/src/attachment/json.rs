//! The JSON list.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    Fault,
    element::{Element, given},
    error::quote,
};

/// Keys that an element may have and that we can't honour: at most so many are remembered.
const MAX_UNSERVED: usize = 8;
/// An element list that is longer is not read to its end.
const TOO_MANY: &str = "too many elements";

/// Reads a JSON list of at most `room` elements.
pub(super) fn read(text: &str, room: usize) -> Result<Vec<Element>, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let elements = reader
        .deserialize_seq(Elements { room })
        .and_then(|elements| reader.end().map(|()| elements));
    elements.map_err(|error| {
        let text = alloc::format!("{error}");
        if text.starts_with(TOO_MANY) {
            Fault::TooMany
        } else {
            Fault::Json(text)
        }
    })
}

struct Elements {
    room: usize,
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<Element>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Element>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() == self.room {
                return Err(Error::custom(TOO_MANY));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"name\": \"storage\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut element = Element::default();
        while let Some(key) = map.next_key::<String>()? {
            read_value(&mut element, &key, &mut map)?;
        }
        Ok(element)
    }
}

/// Reads the value of one key. Multus reads keys as Go does, without regard to case; the last of two
/// equal keys counts; null is not given.
fn read_value<'de, A: MapAccess<'de>>(
    element: &mut Element,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    match key.to_ascii_lowercase().as_str() {
        "name" => element.name = value::<_, String>(key, map)?.unwrap_or_default(),
        "namespace" => element.namespace = value(key, map)?,
        "interface" => {
            let interface = value(key, map)?;
            element.interface = given(interface).or_else(|| element.interface.take());
        }
        // The older name, which Multus still reads, and only if the newer one is not given.
        "interfacerequest" => {
            let interface = value(key, map)?;
            element.interface = element.interface.take().or_else(|| given(interface));
        }
        "ips" => element.ips = value(key, map)?,
        "mac" => element.mac = value(key, map)?,
        "default-route" => element.default_route = value(key, map)?,
        "ipam-claim-reference" => element.ipam_claim_reference = value(key, map)?,
        _ => unserved(element, key, map)?,
    }
    Ok(())
}

/// The value of a key; an error names the key.
fn value<'de, A: MapAccess<'de>, T: DeserializeOwned>(
    key: &str,
    map: &mut A,
) -> Result<Option<T>, A::Error> {
    map.next_value()
        .map_err(|error| Error::custom(format_args!("{}: {error}", quote(key))))
}

/// Keys with a dot belong to others; keys without one are the NPWG's, and asking for them means
/// something that we would not do.
fn unserved<'de, A: MapAccess<'de>>(
    element: &mut Element,
    key: &str,
    map: &mut A,
) -> Result<(), A::Error> {
    let IgnoredAny = map.next_value()?;
    if !key.contains('.') && element.unserved.len() < MAX_UNSERVED {
        let short: String = key.chars().take(64).collect();
        element.unserved.push(short);
    }
    Ok(())
}
