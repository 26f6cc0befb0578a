//! Crash points: a place before and a place after every effect on files and on the kernel, where a test
//! may end the process. With the feature `crash-points` only, which nothing that is released has: without
//! it an effect is done, and that is all.
//!
//! A passing is named by what is done and how often it was before: `before remove a record#2`. Tests learn
//! the passings of a run from the file that `LANDFALL_CRASH_RECORD` names, and end another run in each of
//! them with `LANDFALL_CRASH_AT`. Effects on the API server need none of this: there a proxy sees them.

/// Does something that outlives this process.
#[inline]
pub fn around<T>(verb: &str, object: &str, act: impl FnOnce() -> T) -> T {
    point("before", verb, object);
    let done = act();
    point("after", verb, object);
    done
}

#[cfg(not(feature = "crash-points"))]
#[inline]
fn point(_side: &str, _verb: &str, _object: &str) {}

#[cfg(feature = "crash-points")]
use armed::point;

#[cfg(feature = "crash-points")]
mod armed {
    use std::{
        collections::BTreeMap,
        env,
        fs::OpenOptions,
        io::{self, Write as _},
        sync::{Mutex, PoisonError},
        thread,
    };

    use nix::sys::signal::{Signal, raise};

    /// A file that gets a line for each passing.
    const RECORD: &str = "LANDFALL_CRASH_RECORD";
    /// The passing at which to end.
    const AT: &str = "LANDFALL_CRASH_AT";

    static PASSED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

    pub(super) fn point(side: &str, verb: &str, object: &str) {
        // One at a time: a passing is in the record before the next can end the process.
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{side} {verb} {object}");
        let count = passed.entry(name.clone()).or_default();
        *count = count.saturating_add(1);
        let passing = format!("{name}#{count}");
        if let Some(path) = env::var_os(RECORD) {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let written = file.and_then(|mut file| writeln!(file, "{passing}"));
            // A record that lacks something would be believed.
            written.unwrap_or_else(|error| end(&format!("{RECORD}: {error}")));
        }
        if env::var_os(AT).is_some_and(|at| at == *passing) {
            end(&passing);
        }
    }

    /// As `kill -9` does: nothing is unwound, flushed or told.
    fn end(why: &str) {
        // The last words are for whoever reads the test's log.
        drop(writeln!(io::stderr(), "crash point: {why}"));
        raise(Signal::SIGKILL).ok();
        loop {
            thread::park();
        }
    }
}
