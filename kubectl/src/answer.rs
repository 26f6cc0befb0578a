//! What a verb answers.

use serde_json::Value;

/// An answer, in both forms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// For people; ends with a line feed.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
    /// Whether the answer is yes, or all is well: exit code 0, else 1.
    pub(crate) is_good: bool,
}
