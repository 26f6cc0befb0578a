//! In which manners pods live, and how often.

use landfall_dice::Dice;

use crate::hammer::networks::PASSING;

/// What is unusual about a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Ordinary,
    /// Kubelet makes a second sandbox and detaches the first later.
    TwoSandboxes,
    /// Kubelet restarts the sandbox, several times.
    Restarted,
    /// The plugin is killed in its ADD.
    AddKilled,
    /// The plugin is killed in its DEL.
    DelKilled,
    /// The pod is deleted by force while it is attached.
    Forced,
    /// The sandbox goes, and no DEL ever comes.
    NeverDetached,
    /// The sandbox goes before its DEL.
    GoneBeforeDel,
    /// The pod has come to its end, and is deleted later.
    Finished,
    /// The runtime asks twice at once.
    Twice,
    /// Deleted before the runtime asks.
    DeletedBefore,
    /// Detached twice.
    DetachedTwice,
    /// Deleted while nobody has asked yet, and nobody will.
    NeverAttached,
}

/// How often each comes up.
const WEIGHTS: [(Manner, usize); 13] = [
    (Manner::Ordinary, 8),
    (Manner::TwoSandboxes, 2),
    (Manner::Restarted, 4),
    (Manner::AddKilled, 2),
    (Manner::DelKilled, 2),
    (Manner::Forced, 2),
    (Manner::NeverDetached, 1),
    (Manner::GoneBeforeDel, 1),
    (Manner::Finished, 1),
    (Manner::Twice, 1),
    (Manner::DeletedBefore, 1),
    (Manner::DetachedTwice, 1),
    (Manner::NeverAttached, 1),
];

/// What pods ask for.
const ASKS: [&str; 7] = [
    "scarce",
    "scarce",
    "scarce",
    "dual",
    "dual",
    "scarce,dual",
    PASSING,
];

/// One of them.
pub(super) fn asks(dice: &mut Dice) -> &'static str {
    dice.pick(ASKS.iter()).copied().unwrap_or_default()
}

// === impl Manner ===

impl Manner {
    /// One of them.
    pub(super) fn any(dice: &mut Dice) -> Self {
        let total = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let mut place = dice.below(total);
        for (manner, weight) in WEIGHTS {
            match place.checked_sub(weight) {
                None => return manner,
                Some(rest) => place = rest,
            }
        }
        Self::Ordinary
    }
}
