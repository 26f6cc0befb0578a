//! JSON objects as Go reads them into a struct: keys match without regard to case, of two the last one
//! wins, null is as good as absent, and what nobody asks for is not looked at.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// An object whose keys are found, their values not yet read.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// A value that is not what its reader expects.
#[derive(Debug, thiserror::Error)]
#[error("cannot read \"{key}\": {why}")]
pub struct Malformed {
    /// The key.
    pub key: String,
    /// Why.
    pub why: serde_json::Error,
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

// === impl Malformed ===

impl Malformed {
    /// The same, of a value at that place; without a key it is the place's own.
    #[must_use]
    pub fn inside(mut self, place: &str) -> Self {
        let separator = if self.key.is_empty() { "" } else { "." };
        self.key = format!("{place}{separator}{}", self.key);
        self
    }
}

// === impl Object ===

impl<'a> Object<'a> {
    /// Reads an object; null is an empty one.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Option<Self>>(text).map(Option::unwrap_or_default)
    }

    /// The value of a key as it is written, if there is one that is not null.
    pub fn raw(&self, key: &str) -> Option<&'a RawValue> {
        let mut values = self.members.iter().rev();
        values
            .find(|(own, value)| own.eq_ignore_ascii_case(key) && value.get() != "null")
            .map(|(_, value)| *value)
    }

    /// The value of a key.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Malformed> {
        let read = |value: &RawValue| serde_json::from_str(value.get());
        let value = self.raw(key).map(read).transpose();
        value.map_err(|why| malformed(key, why))
    }

    /// The value of a key, or its type's default.
    pub fn value<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T, Malformed> {
        self.get(key).map(Option::unwrap_or_default)
    }

    /// The object at a key, if there is one.
    pub fn object(&self, key: &str) -> Result<Option<Self>, Malformed> {
        let read = |value: &'a RawValue| Self::read(value.get());
        let object = self.raw(key).map(read).transpose();
        object.map_err(|why| malformed(key, why))
    }

    /// The values of the list at a key, as they are written. None of them is null.
    pub fn list(&self, key: &str) -> Result<Vec<&'a RawValue>, Malformed> {
        let read = |value: &'a RawValue| elements(value);
        let list = self.raw(key).map(read).transpose();
        list.map(Option::unwrap_or_default)
            .map_err(|why| malformed(key, why))
    }

    /// The objects of the list at a key.
    pub fn objects(&self, key: &str) -> Result<Vec<Self>, Malformed> {
        let list = self.list(key)?.into_iter();
        list.map(|value| Self::read(value.get()).map_err(|why| malformed(key, why)))
            .collect()
    }

    /// The names of all members.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(key, _)| &**key)
    }
}

/// The values of a list that are not null.
pub fn elements(list: &RawValue) -> Result<Vec<&RawValue>, serde_json::Error> {
    let mut values: Vec<&RawValue> = serde_json::from_str(list.get())?;
    values.retain(|value| value.get() != "null");
    Ok(values)
}

fn malformed(key: &str, why: serde_json::Error) -> Malformed {
    Malformed {
        key: key.to_owned(),
        why,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Object { members })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests;
