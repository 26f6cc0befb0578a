//! Crash points (`cni-shim/link/src/crash.rs`), as a test uses them.

use std::collections::BTreeSet;

/// A file that gets a line for each passing.
pub(crate) const RECORD: &str = "LANDFALL_CRASH_RECORD";
/// The passing at which to end.
pub(crate) const AT: &str = "LANDFALL_CRASH_AT";

/// What is done before and after the points of these passings.
pub(crate) fn effects(passings: &[String]) -> BTreeSet<String> {
    passings
        .iter()
        .filter_map(|passing| passing.strip_prefix("before ")?.rsplit_once('#'))
        .map(|(effect, _)| effect.to_owned())
        .collect()
}
