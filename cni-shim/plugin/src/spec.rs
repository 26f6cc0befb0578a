//! CNI's own words: versions, error codes, errors.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The versions of the CNI specification that we speak, oldest first.
pub const VERSIONS: [&str; 7] = [
    "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
];

/// A version that we speak. Ordered: `version >= Version::V0_4_0` is "has CHECK".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Version {
    V0_1_0,
    V0_2_0,
    V0_3_0,
    V0_3_1,
    V0_4_0,
    V1_0_0,
    V1_1_0,
}

/// An error code of the specification, or ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// 1: a version that we don't speak, or that has no such verb.
    IncompatibleVersion,
    /// 2: a field that we can't honour.
    UnsupportedField,
    /// 3: a container that nobody knows.
    UnknownContainer,
    /// 4: an environment variable is missing or wrong.
    InvalidEnvironment,
    /// 5: reading or writing failed.
    Io,
    /// 6: the configuration can't be read.
    Decode,
    /// 7: the configuration can be read, and makes no sense.
    InvalidConfig,
    /// 11: the same call may succeed later.
    TryAgainLater,
    /// 50: the plugin can't serve now (STATUS).
    NotAvailable,
    /// 51: as 50, and attached containers suffer too (STATUS).
    NotAvailableAndLimited,
    /// Any other: 100 and above are a plugin's own, 999 is everything that nobody thought of.
    Other(u32),
}

/// What a failed call prints, and what the agent answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{msg}")]
pub struct CniError {
    /// The code.
    pub code: Code,
    /// One sentence that says what to do.
    pub msg: String,
    /// More, if there is more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}

/// A CNI verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Attach.
    Add,
    /// Detach.
    Del,
    /// Is it still as it was made?
    Check,
    /// Detach all that is not listed.
    Gc,
    /// Could you attach?
    Status,
    /// What do you speak?
    Version,
}

// === impl Version ===

impl Version {
    /// The version of that name.
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "0.1.0" => Self::V0_1_0,
            "0.2.0" => Self::V0_2_0,
            "0.3.0" => Self::V0_3_0,
            "0.3.1" => Self::V0_3_1,
            "0.4.0" => Self::V0_4_0,
            "1.0.0" => Self::V1_0_0,
            "1.1.0" => Self::V1_1_0,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }
}

// === impl Code ===

impl Code {
    /// 101, ours: a CHECK found something that is not as ADD made it.
    pub const NOT_AS_MADE: Self = Self::Other(101);
    /// 8, of the reference library: CNI_NETNS is not one that a link may be made in.
    pub const INVALID_NETNS: Self = Self::Other(8);
    /// 999, of the reference library: everything that has no code of its own.
    pub const INTERNAL: Self = Self::Other(999);

    /// The number.
    pub const fn number(self) -> u32 {
        match self {
            Self::IncompatibleVersion => 1,
            Self::UnsupportedField => 2,
            Self::UnknownContainer => 3,
            Self::InvalidEnvironment => 4,
            Self::Io => 5,
            Self::Decode => 6,
            Self::InvalidConfig => 7,
            Self::TryAgainLater => 11,
            Self::NotAvailable => 50,
            Self::NotAvailableAndLimited => 51,
            Self::Other(number) => number,
        }
    }
}

impl From<u32> for Code {
    fn from(number: u32) -> Self {
        match number {
            1 => Self::IncompatibleVersion,
            2 => Self::UnsupportedField,
            3 => Self::UnknownContainer,
            4 => Self::InvalidEnvironment,
            5 => Self::Io,
            6 => Self::Decode,
            7 => Self::InvalidConfig,
            11 => Self::TryAgainLater,
            50 => Self::NotAvailable,
            51 => Self::NotAvailableAndLimited,
            number => Self::Other(number),
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.number())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self::from)
    }
}

// === impl CniError ===

impl CniError {
    /// An error without details.
    pub fn new(code: Code, msg: impl fmt::Display) -> Self {
        Self {
            code,
            msg: msg.to_string(),
            details: String::new(),
        }
    }

    /// The same error with details.
    #[must_use]
    pub fn with_details(mut self, details: impl fmt::Display) -> Self {
        self.details = details.to_string();
        self
    }
}

// === impl Verb ===

impl Verb {
    /// The verb of that name.
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "ADD" => Self::Add,
            "DEL" => Self::Del,
            "CHECK" => Self::Check,
            "GC" => Self::Gc,
            "STATUS" => Self::Status,
            "VERSION" => Self::Version,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Gc => "GC",
            Self::Status => "STATUS",
            Self::Version => "VERSION",
        }
    }

    /// The first version of the specification that has it.
    pub const fn since(self) -> Version {
        match self {
            Self::Add | Self::Del | Self::Version => Version::V0_1_0,
            Self::Check => Version::V0_4_0,
            Self::Gc | Self::Status => Version::V1_1_0,
        }
    }
}
