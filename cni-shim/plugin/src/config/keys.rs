//! The keys of a configuration: found, their values not yet read.

use std::{borrow::Cow, fmt, marker::PhantomData};

use landfall_core::attachment::{LANDFALL_KEY, NPWG_KEY};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::POD_ANNOTATIONS;
use crate::wire::Annotations;

/// The values of the keys that we know, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) cni_version: Option<&'a RawValue>,
    pub(super) name: Option<&'a RawValue>,
    pub(super) driver: Option<&'a RawValue>,
    pub(super) network: Option<&'a RawValue>,
    pub(super) runtime_config: Option<&'a RawValue>,
    pub(super) prev_result: Option<&'a RawValue>,
    pub(super) valid_attachments: Option<&'a RawValue>,
}

/// `runtimeConfig`, likewise.
#[derive(Clone, Debug, Default)]
pub(super) struct Runtime<'a> {
    pub(super) annotations: Option<&'a RawValue>,
    pub(super) ips: Option<&'a RawValue>,
    pub(super) mac: Option<&'a RawValue>,
}

/// A text that is copied only if it has escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

// === Reading maps ===

/// A value of a map that takes what it wants of each entry.
trait Entries<'a>: Default {
    /// The place for a key's value.
    fn place(&mut self, key: &str) -> Option<&mut Option<&'a RawValue>>;
}

impl<'a> Entries<'a> for Keys<'a> {
    fn place(&mut self, key: &str) -> Option<&mut Option<&'a RawValue>> {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        Some(match () {
            () if is("cniVersion") => &mut self.cni_version,
            () if is("name") => &mut self.name,
            () if is("driver") => &mut self.driver,
            () if is("network") => &mut self.network,
            () if is("runtimeConfig") => &mut self.runtime_config,
            () if is("prevResult") => &mut self.prev_result,
            () if is("cni.dev/valid-attachments") => &mut self.valid_attachments,
            () => return None,
        })
    }
}

impl<'a> Entries<'a> for Runtime<'a> {
    fn place(&mut self, key: &str) -> Option<&mut Option<&'a RawValue>> {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        Some(match () {
            () if is(POD_ANNOTATIONS) => &mut self.annotations,
            () if is("ips") => &mut self.ips,
            () if is("mac") => &mut self.mac,
            () => return None,
        })
    }
}

struct EntriesVisitor<T>(PhantomData<T>);

impl<'de, T: Entries<'de>> Visitor<'de> for EntriesVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut entries = T::default();
        while let Some(Text(key)) = map.next_key()? {
            match entries.place(&key) {
                Some(place) => {
                    let value: &RawValue = map.next_value()?;
                    *place = (value.get() != "null").then_some(value);
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(entries)
    }
}

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Runtime<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

/// The two annotations that matter. Their keys are a user's, so case counts.
pub(super) struct Found(pub(super) Annotations);

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FoundVisitor;

        impl<'de> Visitor<'de> for FoundVisitor {
            type Value = Found;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of annotations")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
                let mut annotations = Annotations::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        NPWG_KEY => annotations.npwg = map.next_value()?,
                        LANDFALL_KEY => annotations.landfall = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Found(annotations))
            }
        }

        deserializer.deserialize_map(FoundVisitor)
    }
}
