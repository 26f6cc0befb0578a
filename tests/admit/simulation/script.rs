//! A script: requests that make sense, and some that come too late.

use landfall_sim::dice::Dice;

/// A request. `Answer`s are numbers of earlier steps that showed the object: the request carries UID,
/// version or generation of that answer, however old it is.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create {
        name: String,
        value: u64,
        is_guarded: bool,
    },
    /// PUT under the version of an answer, or under none.
    Replace {
        answer: usize,
        has_version: bool,
        value: u64,
        is_guarded: bool,
    },
    /// A JSON patch that tests UID and generation of an answer.
    Patch { answer: usize, value: u64 },
    /// A JSON patch of the status that tests the value of an answer.
    PatchStatus { answer: usize, status: u64 },
    /// DELETE, under UID and version of an answer or under nothing.
    Delete { answer: usize, is_tested: bool },
}

/// All of it.
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// Answers at whose versions watches begin.
    pub(super) watches: Vec<usize>,
}

// === impl Script ===

impl Script {
    /// Steps over a handful of names. Which of them succeed is the servers' to say.
    pub(super) fn of(dice: &mut Dice, steps: usize) -> Self {
        let mut script = Vec::new();
        for number in 0..steps {
            script.push(step(number, dice));
        }
        let watches = [1, steps / 4, steps / 2, steps * 3 / 4];
        Self {
            steps: script,
            watches: watches.into(),
        }
    }
}

fn step(number: usize, dice: &mut Dice) -> Step {
    // A change of value is a change; the same value again is none.
    let value = u64::try_from(dice.below(4)).unwrap_or_default();
    let create = Step::Create {
        name: format!("probe-{}", dice.below(4)),
        value,
        is_guarded: dice.one_in(2),
    };
    if number == 0 {
        return create;
    }
    // Mostly of the last moments, sometimes of long ago.
    let back = if dice.one_in(4) {
        number
    } else {
        number.min(4)
    };
    let answer = number - 1 - dice.below(back);
    match dice.below(10) {
        0 | 1 => create,
        2 | 3 => Step::Replace {
            answer,
            has_version: !dice.one_in(6),
            value,
            is_guarded: dice.one_in(2),
        },
        4 | 5 => Step::Patch { answer, value },
        6 | 7 => Step::PatchStatus {
            answer,
            // No status at all is another thing than 0.
            status: value + 1,
        },
        _ => Step::Delete {
            answer,
            is_tested: dice.one_in(2),
        },
    }
}
