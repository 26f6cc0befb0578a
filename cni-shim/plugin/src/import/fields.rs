//! The objects of an input, read as a person would: each key is taken once, keys match without regard
//! to case (as Go's do), null and "" are as good as absent, and whatever nobody took is reported.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::place::{At, Fault, Notes};

/// An object of the input whose keys are taken one after another.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    at: At,
    map: Map<String, Value>,
}

// === impl Fields ===

impl Fields {
    pub(super) fn of(at: &At, value: Value) -> Result<Self, Fault> {
        let Value::Object(map) = value else {
            return Err(at.fault(format!("is {}, expected an object", brief(&value))));
        };
        Ok(Self {
            at: at.clone(),
            map,
        })
    }

    /// No key at all.
    pub(super) fn empty(at: &At) -> Self {
        Self {
            at: at.clone(),
            map: Map::new(),
        }
    }

    pub(super) const fn place(&self) -> &At {
        &self.at
    }

    /// Whether the key is there with a value.
    pub(super) fn has(&self, key: &str) -> bool {
        let found = self.map.iter().find(|(k, _)| k.eq_ignore_ascii_case(key));
        found.is_some_and(|(_, value)| !is_unset(value))
    }

    /// The value of a key, and its place.
    pub(super) fn take(&mut self, key: &str) -> Option<(At, Value)> {
        let same = |k: &&String| k.eq_ignore_ascii_case(key);
        let mut found = None;
        // Go takes the last of several spellings; which that was, a map does not tell.
        while let Some(spelling) = self.map.keys().find(same).cloned() {
            let value = self.map.remove(&spelling).filter(|v| !is_unset(v));
            found = value
                .map(|value| (self.at.field(&spelling), value))
                .or(found);
        }
        found
    }

    pub(super) fn text(&mut self, key: &str) -> Result<Option<(At, String)>, Fault> {
        self.take(key).map(text).transpose()
    }

    /// A text that stands for something. `expected` ends "is no …".
    pub(super) fn parse<T: FromStr>(
        &mut self,
        key: &str,
        expected: &str,
    ) -> Result<Option<T>, Fault> {
        let text = self.text(key)?;
        text.map(|(at, text)| parse(&at, &text, expected))
            .transpose()
    }

    /// A number; 0 is as good as absent.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<(At, u32)>, Fault> {
        let Some((at, value)) = self.take(key) else {
            return Ok(None);
        };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        // Docker's options are texts.
        let number = number.or_else(|| value.as_str()?.parse().ok());
        match number {
            Some(0) => Ok(None),
            Some(number) => Ok(Some((at, number))),
            None => Err(at.fault(format!("is {}, expected a number from 0 on", brief(&value)))),
        }
    }

    pub(super) fn flag(&mut self, key: &str) -> Result<bool, Fault> {
        match self.take(key) {
            None | Some((_, Value::Bool(false))) => Ok(false),
            Some((_, Value::Bool(true))) => Ok(true),
            Some((at, value)) => {
                Err(at.fault(format!("is {}, expected true or false", brief(&value))))
            }
        }
    }

    pub(super) fn object(&mut self, key: &str) -> Result<Option<Self>, Fault> {
        let taken = self.take(key);
        taken.map(|(at, value)| Self::of(&at, value)).transpose()
    }

    /// The items of a list, each with its place.
    pub(super) fn list(&mut self, key: &str) -> Result<Vec<(At, Value)>, Fault> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some((at, value)) => items(&at, value),
        }
    }

    pub(super) fn objects(&mut self, key: &str) -> Result<Vec<Self>, Fault> {
        let list = self.list(key)?.into_iter();
        list.map(|(at, value)| Self::of(&at, value)).collect()
    }

    /// What is left: each key, its place and its value.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, At, Value)> {
        let at = self.at;
        let set = self.map.into_iter().filter(|(_, value)| !is_unset(value));
        set.map(move |(key, value)| {
            let at = at.field(&key);
            (key, at, value)
        })
    }

    /// Reports what nobody took. What is false asks for nothing.
    pub(super) fn report(self, notes: &mut Notes) {
        for (_, at, value) in self
            .rest()
            .filter(|(_, _, value)| *value != Value::Bool(false))
        {
            notes.at(&at, format_args!("{} has no equivalent", brief(&value)));
        }
    }
}

pub(super) fn items(at: &At, value: Value) -> Result<Vec<(At, Value)>, Fault> {
    let Value::Array(list) = value else {
        return Err(at.fault(format!("is {}, expected a list", brief(&value))));
    };
    let list = list.into_iter().enumerate();
    Ok(list.map(|(i, item)| (at.index(i), item)).collect())
}

pub(super) fn text((at, value): (At, Value)) -> Result<(At, String), Fault> {
    let Value::String(text) = value else {
        return Err(at.fault(format!("is {}, expected a text", brief(&value))));
    };
    Ok((at, text))
}

/// A text that stands for something. `expected` ends "is no …".
pub(super) fn parse<T: FromStr>(at: &At, text: &str, expected: &str) -> Result<T, Fault> {
    text.trim()
        .parse()
        .map_err(|_| at.fault(format!("{text:?} is no {expected}")))
}

/// A value in one line, cut where it gets long.
pub(super) fn brief(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// As good as absent: nothing, or a container of nothing.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}
