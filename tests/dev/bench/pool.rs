//! `pool`: how long pods wait for addresses, with the release operator, a real API server, and nodes that
//! one program plays (`tests/fleet`).

mod control;

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

use super::{
    report::Row,
    samples::{Better, Samples},
};
use crate::{apt, go, install, progress};
use control::Control;

/// What the fleet prints.
type Numbers = BTreeMap<String, Samples>;

/// Measures all of it.
pub(super) fn measure(programs: Option<&Path>) -> Result<Vec<Row>> {
    apt::install()?;
    go::build_control_plane()?;
    let [operator, fleet] = match programs {
        Some(programs) => [programs.to_owned(), programs.to_owned()],
        None => [install::build()?.join("operator"), install::fleet()?],
    };
    let control = progress::step("starting an API server and an operator", Some(15), || {
        Control::start(&operator, &fleet)
    })?;
    fill(&control)
}

fn fill(control: &Control) -> Result<Vec<Row>> {
    let numbers = progress::step("1000 pods for 1000 addresses on 50 nodes", Some(60), || {
        control.play("--nodes 50", "fill --addresses 1000")
    })?;
    Ok(vec![
        row(&numbers, "pool/fill", "network-part").also("binding", &of(&numbers, "binding")),
        row(&numbers, "pool/fill/each", "wait"),
        Row::new(
            "pool/fill/addresses",
            "used",
            &of(&numbers, "addresses"),
            Better::Higher,
        ),
        row(&numbers, "pool/fill/end", "end"),
    ])
}

fn row(numbers: &Numbers, name: &str, of_what: &str) -> Row {
    Row::times(name, &of(numbers, of_what))
}

fn of(numbers: &Numbers, name: &str) -> Samples {
    numbers.get(name).cloned().unwrap_or_default()
}
