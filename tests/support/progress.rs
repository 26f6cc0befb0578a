//! What a long step is, how long it took and how long it should take: on stderr.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Runs `work` under a line that says what it is, and a line that says how long it took.
pub fn step<T>(what: &str, expected: Option<u64>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let hint = expected
        .map(|seconds| format!(" (expected about {seconds} s)"))
        .unwrap_or_default();
    eprintln!("  {what} …{hint}");
    let start = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!("  {what} … {outcome}, {} s{hint}", seconds(start.elapsed()));
    result
}

/// A remark between the steps.
pub fn note(text: &str) {
    eprintln!("  {text}");
}

/// Seconds with one digit where it matters.
pub fn seconds(elapsed: Duration) -> String {
    if elapsed.as_secs() < 10 {
        format!("{:.1}", elapsed.as_secs_f32())
    } else {
        elapsed.as_secs().to_string()
    }
}

/// Calls `check` until it says true or `limit` is over.
pub fn wait(limit: Duration, mut check: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if check() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
