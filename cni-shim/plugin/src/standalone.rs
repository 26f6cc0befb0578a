//! Without an agent: one host, a complete configuration, in place of the reference plugins macvlan and
//! ipvlan.
//!
//! ```text
//! ADD   parent > link > IPAM > addresses, up, routes > result      on an error: back, last first
//! DEL   link > VLAN > IPAM                                         an address is free after its link
//! ```
//!
//! Fields, defaults, codes and texts are those of the reference (v1.9.1), so that programs which know it
//! need not know us. Where it differs on purpose, docs/standalone.md says so.

use std::fmt::Display;

use landfall_core::network::NetworkKind;

use crate::{
    env::Environment,
    spec::{CniError, Code, Verb, Version},
};
use config::Config;

pub mod arguments;
pub mod config;
pub mod host_local;
pub mod object;
pub mod result;

mod add;
mod check;
mod collect;
mod configure;
mod del;
mod delegate;
mod ipam;
mod lock;
mod parent;
mod sandbox;
mod status;
mod vlan;

/// One call, with its configuration.
struct Call<'a> {
    environment: &'a Environment,
    config: Config<'a>,
    /// The configuration as it came, for an IPAM plugin.
    input: &'a str,
}

/// What of a configuration was read before.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// `cniVersion`.
    pub version: Version,
    /// `name`.
    pub name: &'a str,
    /// Whose links.
    pub kind: NetworkKind,
}

/// The driver of that name: what `driver` says, and what the binary may be called.
pub fn driver(word: &str) -> Option<NetworkKind> {
    match word {
        "macvlan" => Some(NetworkKind::Macvlan),
        "ipvlan" => Some(NetworkKind::Ipvlan),
        _ => None,
    }
}

/// Serves a call that its version has. Returns what is printed; what else there is to say goes to
/// `remark`.
pub fn serve(
    environment: &Environment,
    input: &[u8],
    known: Known<'_>,
    remark: &mut Option<String>,
) -> Result<String, CniError> {
    let input = str::from_utf8(input).map_err(|error| CniError::new(Code::Decode, error))?;
    let config = Config::read(input, known.version, known.name, known.kind)
        .map_err(|error| internal(format!("failed to load netconf: {error}")))?;
    let call = Call {
        environment,
        config,
        input,
    };
    let done = match environment.verb {
        Verb::Add => return call.add(),
        Verb::Del => call.del(remark),
        Verb::Check => call.check(),
        Verb::Status => call.status(),
        Verb::Gc => call.collect(),
        Verb::Version => Ok(()),
    };
    done.map(|()| String::new())
}

/// The reference's code for whatever has no other.
fn internal(msg: impl Display) -> CniError {
    CniError::new(Code::INTERNAL, msg)
}
