//! The network configuration on stdin, read no further than needed.
//!
//! The input has up to 4 MiB, most of it annotations and prevResult that are none of our business. One
//! pass finds the top-level keys and leaves their values as text; the values that matter are read when
//! they are asked for.
//!
//! As Go does: keys match without regard to case, the last of two wins, null is as good as absent.

use std::borrow::Cow;

use landfall_core::network::NetworkKind;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    env::is_plain,
    spec::{CniError, Code, VERSIONS, Verb, Version},
    standalone,
    wire::{Annotations, Valid},
};

use keys::{Found, Keys, Runtime, Text};

mod keys;

/// The most that is read.
pub const MAX_INPUT: usize = 4 * 1024 * 1024;
/// The capability under which runtimes hand the pod's annotations over (containerd 1.5, CRI-O 1.29).
pub const POD_ANNOTATIONS: &str = "io.kubernetes.cri.pod-annotations";

/// A configuration whose keys are found.
#[derive(Clone, Debug)]
pub struct Config<'a> {
    /// `cniVersion`; 0.1.0 if absent.
    pub version: Version,
    /// `name`.
    pub name: Cow<'a, str>,
    /// How the plugin was called.
    pub kind: Kind,
    keys: Keys<'a>,
}

/// How a configuration asks to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// At the end of the primary network's list.
    Chained,
    /// By Multus, for the network of this name.
    Delegate(String),
    /// With a complete configuration, without an agent.
    StandAlone(NetworkKind),
}

/// What the runtime said about the pod's annotations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It handed none over: it doesn't know the capability, or this is an old DEL.
    Unknown,
    /// They ask for no network.
    Nothing,
    /// They ask.
    Networks(Annotations),
}

// === impl Config ===

impl<'a> Config<'a> {
    /// Reads a configuration. Called as a reference plugin it is always one of that.
    pub fn read(input: &'a [u8], called_as: Option<NetworkKind>) -> Result<Self, CniError> {
        // Go reads null into a struct and leaves it as it is.
        let keys: Option<Keys<'a>> = serde_json::from_slice(input)
            .map_err(|error| decode("error unmarshall network config", &error))?;
        let keys = keys.unwrap_or_default();
        let name = text(keys.name, "name")?.unwrap_or_default();
        if name.is_empty() {
            return Err(invalid("missing network name"));
        }
        if !is_plain(&name) {
            return Err(invalid("invalid characters found in network name").with_details(&name));
        }
        let kind = match called_as {
            Some(driver) => Kind::StandAlone(driver),
            None => kind(&keys)?,
        };
        Ok(Self {
            version: version(keys.cni_version)?,
            name,
            kind,
            keys,
        })
    }

    /// Whether this version has that verb.
    pub fn allows(&self, verb: Verb) -> Result<(), CniError> {
        if self.version >= verb.since() {
            return Ok(());
        }
        let verb = verb.as_str();
        Err(CniError::new(
            Code::IncompatibleVersion,
            format!("config version does not allow {verb}"),
        ))
    }

    /// The result of the plugins before this one, as it is.
    pub fn prev_result(&self) -> Option<&'a RawValue> {
        self.keys.prev_result
    }

    /// What the pod's annotations ask for.
    pub fn asked(&self) -> Result<Asked, CniError> {
        let Some(text) = self.runtime()?.annotations else {
            return Ok(Asked::Unknown);
        };
        let found: Found = parse(text, POD_ANNOTATIONS)?;
        let Found(annotations) = found;
        if asks(annotations.npwg.as_deref()) || asks(annotations.landfall.as_deref()) {
            Ok(Asked::Networks(annotations))
        } else {
            Ok(Asked::Nothing)
        }
    }

    /// `runtimeConfig.ips`.
    pub fn ips(&self) -> Result<Vec<String>, CniError> {
        let ips = self.runtime()?.ips;
        ips.map_or(Ok(Vec::new()), |text| parse(text, "runtimeConfig.ips"))
    }

    /// `runtimeConfig.mac`.
    pub fn mac(&self) -> Result<Option<String>, CniError> {
        let mac = text(self.runtime()?.mac, "runtimeConfig.mac")?;
        Ok(mac.map(Cow::into_owned).filter(|mac| !mac.is_empty()))
    }

    /// `cni.dev/valid-attachments`: what a GC must leave alone.
    pub fn valid_attachments(&self) -> Result<Vec<Valid>, CniError> {
        let valid = self.keys.valid_attachments;
        valid.map_or(Ok(Vec::new()), |text| {
            parse(text, "cni.dev/valid-attachments")
        })
    }

    fn runtime(&self) -> Result<Runtime<'a>, CniError> {
        match self.keys.runtime_config {
            Some(text) => parse(text, "runtimeConfig"),
            None => Ok(Runtime::default()),
        }
    }
}

fn kind(keys: &Keys<'_>) -> Result<Kind, CniError> {
    if let Some(driver) = text(keys.driver, "driver")? {
        let known = standalone::driver(&driver);
        return known.map(Kind::StandAlone).ok_or_else(|| {
            invalid(&format!(
                "unknown driver \"{driver}\": expected macvlan or ipvlan"
            ))
        });
    }
    Ok(match text(keys.network, "network")? {
        Some(network) => Kind::Delegate(network.into_owned()),
        None => Kind::Chained,
    })
}

fn version(value: Option<&RawValue>) -> Result<Version, CniError> {
    let text = text(value, "cniVersion")?.unwrap_or_default();
    if text.is_empty() {
        return Ok(Version::V0_1_0);
    }
    Version::of(&text).ok_or_else(|| {
        let ours = VERSIONS.map(|version| format!("\"{version}\"")).join(" ");
        CniError::new(Code::IncompatibleVersion, "incompatible CNI versions")
            .with_details(format!("config is \"{text}\", plugin supports [{ours}]"))
    })
}

/// Whether an annotation asks for anything. Empty and an empty list opt out of a namespace's default;
/// what else it means is for the agent, which knows the grammar.
fn asks(annotation: Option<&str>) -> bool {
    let mut rest = annotation
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace());
    match (rest.next(), rest.next(), rest.next()) {
        (None, _, _) | (Some('['), Some(']'), None) => false,
        (Some(_), _, _) => true,
    }
}

fn text<'a>(value: Option<&'a RawValue>, key: &str) -> Result<Option<Cow<'a, str>>, CniError> {
    value
        .map(|value| parse::<Text<'a>>(value, key).map(|text| text.0))
        .transpose()
}

fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue, key: &str) -> Result<T, CniError> {
    serde_json::from_str(value.get())
        .map_err(|error| decode(&format!("error unmarshall network config: {key}"), &error))
}

fn decode(what: &str, error: &serde_json::Error) -> CniError {
    CniError::new(Code::Decode, format!("{what}: {error}"))
}

fn invalid(msg: &str) -> CniError {
    CniError::new(Code::InvalidConfig, msg)
}

#[cfg(test)]
mod tests;
