//! Conditions of a status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What a writer says about one condition type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The condition's type, see [`crate::keys::condition`].
    pub kind: &'a str,
    /// `None` is Unknown.
    pub status: Option<bool>,
    /// Why, in CamelCase, see [`crate::keys::reason`].
    pub reason: &'a str,
    /// The same as a sentence.
    pub message: &'a str,
}

// === impl Verdict ===

impl Verdict<'_> {
    /// The status as the API spells it.
    pub const fn status_word(&self) -> &'static str {
        match self.status {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        }
    }
}

/// Sets one condition: the others stay as they are, and the transition time moves only if the
/// status changes. Returns whether anything but the time is new, that is, whether a write is due.
pub fn set(
    conditions: &mut Vec<Condition>,
    verdict: &Verdict<'_>,
    generation: Option<i64>,
    now: &Time,
) -> bool {
    let old = conditions.iter_mut().find(|c| c.type_ == verdict.kind);
    let mut new = Condition {
        type_: verdict.kind.to_owned(),
        status: verdict.status_word().to_owned(),
        reason: verdict.reason.to_owned(),
        message: verdict.message.to_owned(),
        observed_generation: generation,
        last_transition_time: now.clone(),
    };
    let Some(old) = old else {
        conditions.push(new);
        return true;
    };
    if old.status == new.status {
        new.last_transition_time = old.last_transition_time.clone();
    }
    let changed = *old != new;
    *old = new;
    changed
}

/// Takes a condition away. Returns whether it was there.
pub fn remove(conditions: &mut Vec<Condition>, kind: &str) -> bool {
    let before = conditions.len();
    conditions.retain(|c| c.type_ != kind);
    conditions.len() != before
}

/// The status of a condition; `None` if it is Unknown or not there.
pub fn status(conditions: &[Condition], kind: &str) -> Option<bool> {
    let condition = conditions.iter().find(|c| c.type_ == kind)?;
    match condition.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
