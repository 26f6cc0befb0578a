//! Waiting for what will be, with an error that says what was seen instead.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Error, Result};

/// Between two looks: each is a kubectl, and there are two processors.
const PAUSE: Duration = Duration::from_millis(300);

/// Looks until `look` succeeds, at most `seconds`; then its last error is the answer.
pub fn until<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let limit = Duration::from_secs(seconds);
    let start = Instant::now();
    loop {
        let error: Error = match look() {
            Ok(seen) => return Ok(seen),
            Err(error) => error,
        };
        if start.elapsed() > limit {
            return Err(error).with_context(|| format!("waited {seconds} s until {what}"));
        }
        sleep(PAUSE);
    }
}

/// Looks for some seconds, and fails as soon as `look` does.
pub fn as_long_as(what: &str, seconds: u64, mut look: impl FnMut() -> Result<()>) -> Result<()> {
    let limit = Duration::from_secs(seconds);
    let start = Instant::now();
    while start.elapsed() < limit {
        look().with_context(|| format!("for {seconds} s {what}"))?;
        sleep(PAUSE);
    }
    Ok(())
}

/// Does something and prints how long it took.
pub fn timed<T>(what: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let done = act()?;
    eprintln!("{what} took {:.1} s", start.elapsed().as_secs_f64());
    Ok(done)
}
