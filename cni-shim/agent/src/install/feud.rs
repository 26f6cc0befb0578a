//! Another program that undoes the chaining: two that repair their files forever would keep the runtime
//! reloading, and with it every pod of the node.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

/// Two undoings within this are a feud.
const WINDOW: Duration = Duration::from_secs(60);
/// A feud is over when the file is left alone for this long; each time that it was not, for twice as
/// long.
const QUIET: Duration = Duration::from_secs(60);
const LONGEST_QUIET: Duration = Duration::from_secs(3600);

/// Whether there is one.
#[derive(Debug, Default)]
pub struct Feud {
    /// Where our entry was last seen, or put.
    placed: Option<PathBuf>,
    placed_at: Option<Instant>,
    undone: Vec<Instant>,
    blocked: Option<Blocked>,
}

#[derive(Debug)]
struct Blocked {
    file: PathBuf,
    /// When the file was last written.
    stamp: Option<SystemTime>,
    since: Instant,
    quiet: Duration,
}

// === impl Feud ===

impl Feud {
    /// Our entry is where it belongs.
    pub(super) fn in_place(&mut self, file: &Path, now: Instant) {
        let placed_at = *self.placed_at.get_or_insert(now);
        self.placed = Some(file.to_owned());
        if now.duration_since(placed_at) >= WINDOW {
            self.blocked = None;
        }
    }

    /// Our entry is missing: whether to put it there. `stamp` is when the file was written.
    pub(super) fn may_write(
        &mut self,
        file: &Path,
        stamp: Option<SystemTime>,
        now: Instant,
    ) -> bool {
        let undone = self.placed.as_deref() == Some(file);
        (self.placed, self.placed_at) = (None, None);
        if undone {
            self.undone.push(now);
        }
        let is_recent = |at: &Instant| now.duration_since(*at) < WINDOW;
        self.undone.retain(is_recent);
        match &mut self.blocked {
            // It was tried again, and undone again.
            Some(blocked) if undone => {
                blocked.quiet = (blocked.quiet * 2).min(LONGEST_QUIET);
                (blocked.stamp, blocked.since) = (stamp, now);
                return false;
            }
            Some(blocked) if blocked.stamp != stamp => {
                (blocked.stamp, blocked.since) = (stamp, now);
                return false;
            }
            Some(blocked) if now.duration_since(blocked.since) < blocked.quiet => return false,
            None if self.undone.len() >= 2 => {
                tracing::warn!(file = %file.display(), "another program undoes the chaining");
                self.blocked = Some(Blocked {
                    file: file.to_owned(),
                    stamp,
                    since: now,
                    quiet: QUIET,
                });
                return false;
            }
            Some(_) | None => {}
        }
        // If it is undone before the next look, that counts too.
        self.placed = Some(file.to_owned());
        true
    }

    /// What to tell people.
    pub(super) fn complaint(&self) -> Option<String> {
        let file = self.blocked.as_ref()?.file.display();
        Some(format!(
            "another program takes the plugin out of {file} again and again, so new pods of this node \
             get no networks; let it leave other programs' entries alone (Cilium: cni.exclusive=false)"
        ))
    }
}

#[cfg(test)]
mod tests;
