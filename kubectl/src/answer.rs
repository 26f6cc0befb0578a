//! What a verb answers.

use serde_json::{Value, json};

use crate::unreadable::Unreadable;

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

// === impl Answer ===

impl Answer {
    /// Says that it lacks what these would say.
    pub(crate) fn without(mut self, unread: &[Unreadable]) -> Self {
        if !unread.is_empty() {
            let names: Vec<String> = unread.iter().map(Unreadable::object).collect();
            let names = names.join(", ");
            self.text = format!(
                "{}\nThis may be incomplete: {names} can't be read\n",
                self.text
            );
        }
        if let Some(fields) = self.json.as_object_mut() {
            fields.insert("unread".to_owned(), json!(unread));
        }
        self
    }
}
