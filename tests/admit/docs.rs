//! Tables in the documentation that tests know better.
//!
//! They stand between `<!-- begin NAME -->` and `<!-- end NAME -->`. A test fails when one is stale; with
//! `LANDFALL_WRITE_DOCS=1` it writes it instead.

use std::{env, fs};

use anyhow::{Context, Result, bail};
use landfall_tests::tree::tree;

/// Compares a table with the one in a file of the tree.
pub(crate) fn check(path: &str, name: &str, table: &str) -> Result<()> {
    let file = tree(path);
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->\n"),
    );
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (seen, after) = rest.split_once(&end)?;
        Some((before, seen, after))
    });
    let (before, seen, after) = parts.with_context(|| format!("{path} has no {begin}"))?;
    if seen == table {
        return Ok(());
    }
    if env::var_os("LANDFALL_WRITE_DOCS").is_some() {
        fs::write(file, format!("{before}{begin}{table}{end}{after}"))?;
        return Ok(());
    }
    bail!("{path} is stale: run the tests with LANDFALL_WRITE_DOCS=1. It must say:\n{table}")
}
