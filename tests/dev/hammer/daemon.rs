//! A program that is killed, stopped and started.

use std::{
    fs,
    process::Child,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::progress;

/// How it is started.
type Start = Box<dyn Fn() -> Result<Child> + Send + Sync>;

/// A program that may run.
pub(super) struct Daemon {
    start: Start,
    /// It is the child of what is started, which gives it processes of its own.
    is_inside: bool,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// One that does not run yet.
    pub(super) fn new(is_inside: bool, start: Start) -> Self {
        Self {
            start,
            is_inside,
            child: Mutex::new(None),
        }
    }

    /// Starts it if it does not run.
    pub(super) fn start(&self) -> Result<()> {
        let mut child = self.child();
        if child.is_none() {
            *child = Some((self.start)()?);
        }
        Ok(())
    }

    /// Sends it a signal.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child();
        let outer = child.as_ref().context("it does not run")?.id();
        kill(self.pid(outer)?, signal).with_context(|| format!("{signal} to {outer}"))
    }

    /// Sends it a signal that ends it, and waits for its end.
    pub(super) fn end(&self, signal: Signal) -> Result<()> {
        let Some(mut child) = self.child().take() else {
            return Ok(());
        };
        // One that has ended by itself is fine.
        if let Ok(pid) = self.pid(child.id()) {
            kill(pid, signal).unwrap_or_default();
        }
        let has_ended = progress::wait(Duration::from_secs(15), || {
            child.try_wait().is_ok_and(|status| status.is_some())
        });
        if !has_ended {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts it anew if it has ended by itself, as kubelet would. Says whether it had.
    pub(super) fn revive(&self) -> Result<bool> {
        let mut child = self.child();
        let status = child.as_mut().map(Child::try_wait);
        let has_ended = matches!(status, Some(Ok(Some(_))));
        if has_ended {
            *child = Some((self.start)()?);
        }
        Ok(has_ended)
    }

    fn pid(&self, outer: u32) -> Result<Pid> {
        if !self.is_inside {
            return Ok(Pid::from_raw(i32::try_from(outer)?));
        }
        let list = format!("/proc/{outer}/task/{outer}/children");
        let children = fs::read_to_string(&list).context(list)?;
        let inner = children.split_whitespace().next().context("no child yet")?;
        Ok(Pid::from_raw(inner.parse()?))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
