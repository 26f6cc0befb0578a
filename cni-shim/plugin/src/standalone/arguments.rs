//! CNI_ARGS, as the reference library reads it: `KEY=VALUE;KEY=VALUE`, each pair with exactly one `=`,
//! and a key that the plugin does not know is an error unless `IgnoreUnknown` is set.

/// CNI_ARGS that can't be read. The texts are the reference library's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentsError {
    /// No `=`, or two.
    #[error("ARGS: invalid pair {0:?}")]
    Pair(String),
    /// `IgnoreUnknown` is neither true nor false.
    #[error(
        "ARGS: error parsing value of pair {pair:?}: boolean unmarshal error: invalid input {value}"
    )]
    Flag {
        /// The pair.
        pair: String,
        /// The value, in small letters.
        value: String,
    },
    /// Keys that nobody knows.
    #[error("ARGS: unknown args {}", Quoted(.0))]
    Unknown(Vec<String>),
}

struct Quoted<'a>(&'a [String]);

/// The values of `known` keys, in their order. Keys are compared with their case.
pub fn read<'a, const N: usize>(
    arguments: &'a str,
    known: [&str; N],
) -> Result<[Option<&'a str>; N], ArgumentsError> {
    let mut values = [None; N];
    if arguments.is_empty() {
        return Ok(values);
    }
    let mut ignore = false;
    let mut unknown = Vec::new();
    for pair in arguments.split(';') {
        let (key, value) = pair
            .split_once('=')
            .filter(|(_, value)| !value.contains('='))
            .ok_or_else(|| ArgumentsError::Pair(pair.to_owned()))?;
        let place = known.iter().position(|known| *known == key);
        if key == "IgnoreUnknown" {
            ignore = flag(pair, value)?;
        } else if let Some(place) = place.and_then(|place| values.get_mut(place)) {
            *place = Some(value);
        } else {
            unknown.push(pair.to_owned());
        }
    }
    if ignore || unknown.is_empty() {
        Ok(values)
    } else {
        Err(ArgumentsError::Unknown(unknown))
    }
}

fn flag(pair: &str, value: &str) -> Result<bool, ArgumentsError> {
    match value.to_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        value => Err(ArgumentsError::Flag {
            pair: pair.to_owned(),
            value: value.to_owned(),
        }),
    }
}

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[")?;
        for (place, text) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { " " };
            write!(f, "{separator}{text:?}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests;
