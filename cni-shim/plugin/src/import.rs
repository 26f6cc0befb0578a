//! `landfall import FILE`: the MacvlanNetwork or IpvlanNetwork that does what another product's
//! configuration did; and `landfall explain FILE`: the commands that do it by hand.
//!
//! ```text
//! text ── source ──> Found ──┬─ cni ─────┬──> Network ──┬─ print ────> YAML
//!                            └─ docker ──┘              └─ explain ──> commands
//! ```
//!
//! Every key of the input is taken, or reported in a comment; nothing is dropped in silence. What is
//! printed is accepted by the API (`tests/import.rs` feeds it to the API's own conversion).

use std::collections::BTreeSet;

use network::Network;
use place::{At, Notes};
use source::Found;

mod cni;
mod docker;
mod explain;
mod fields;
mod name;
mod network;
mod place;
mod pool;
mod print;
mod source;

pub use place::Fault;

/// What became of one configuration of the input.
enum Outcome {
    /// A network.
    Network(Box<Network>),
    /// Something else than macvlan and ipvlan, as a sentence.
    Other(String),
}

/// The YAML of every network that a text describes. `file` is how errors call it.
pub fn import(file: &str, text: &str) -> Result<String, Fault> {
    let (networks, others) = networks(file, text)?;
    print::print(file, &networks, &others)
        .map_err(|error| At::file(file).fault(format!("the result can't be written: {error}")))
}

/// The commands of ip(8) that do by hand what such a text describes, for one sandbox.
pub fn explain(file: &str, text: &str) -> Result<String, Fault> {
    let (networks, others) = networks(file, text)?;
    Ok(explain::script(file, &networks, &others))
}

fn networks(file: &str, text: &str) -> Result<(Vec<Network>, Vec<String>), Fault> {
    let at = At::file(file);
    let mut networks = Vec::new();
    let mut others = Vec::new();
    for found in source::read(file, text)? {
        let outcome = match found {
            Found::Cni { fields, given } => cni::network(fields, given)?,
            Found::Docker(fields) => docker::network(fields)?,
        };
        match outcome {
            Outcome::Network(network) => networks.push(*network),
            Outcome::Other(sentence) => others.push(sentence),
        }
    }
    if networks.is_empty() {
        return Err(at.fault(format!(
            "describes no network of ours; {}",
            others.join("; ")
        )));
    }
    keep_apart(&mut networks);
    Ok((networks, others))
}

/// Two of one name would be one object.
fn keep_apart(networks: &mut [Network]) {
    let mut names = BTreeSet::new();
    for network in networks {
        let mut count = 1;
        let first = network.name.clone();
        while !names.insert(network.name.clone()) {
            count += 1;
            let stem: String = first.chars().take(58).collect();
            network.name = format!("{stem}-{count}");
        }
        if network.name != first {
            let notes: &mut Notes = &mut network.notes;
            notes.say(format!("another network of this input is {first} already"));
        }
    }
}
