//! What was measured, as the caller reads it.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use serde::Serialize;

/// Numbers by what they are of. Printed as JSON on stdout.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report(BTreeMap<&'static str, Vec<f64>>);

// === impl Report ===

impl Report {
    /// Adds a number.
    pub(crate) fn add(&mut self, name: &'static str, number: f64) {
        self.0.entry(name).or_default().push(number);
    }

    /// Adds a number of things.
    pub(crate) fn count(&mut self, name: &'static str, things: usize) {
        self.add(name, u32::try_from(things).map_or(f64::MAX, f64::from));
    }

    /// Adds a time, in milliseconds.
    pub(crate) fn time(&mut self, name: &'static str, took: Duration) {
        self.add(name, took.as_secs_f64() * 1000.0);
    }

    /// Prints all of it.
    pub(crate) fn print(&self) -> Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }
}
