//! Places in an input, and what there is to say about them.

use std::fmt;

/// Why an input can't be imported: where, what is there, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Fault {
    at: At,
    problem: String,
}

/// A place: the file, and the path of a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct At {
    file: String,
    path: String,
}

/// What has no equivalent, as sentences for whoever imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes(Vec<String>);

// === impl At ===

impl At {
    pub(super) fn file(name: &str) -> Self {
        Self {
            file: name.to_owned(),
            path: String::new(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.with_path(format!("{}{dot}{name}", self.path))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.with_path(format!("{}[{index}]", self.path))
    }

    /// A file inside the file: paths begin anew.
    pub(super) fn inside(&self, name: &str) -> Self {
        Self::file(&format!("{self}, {name}"))
    }

    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault {
            at: self.clone(),
            problem: problem.into(),
        }
    }

    fn with_path(&self, path: String) -> Self {
        Self {
            file: self.file.clone(),
            path,
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colon = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{}{colon}{}", self.file, self.path)
    }
}

// === impl Notes ===

impl Notes {
    /// A remark about the network as a whole.
    pub(super) fn say(&mut self, sentence: impl Into<String>) {
        self.0.push(sentence.into());
    }

    /// A remark about a value.
    pub(super) fn at(&mut self, at: &At, sentence: impl fmt::Display) {
        self.0.push(format!("{}: {sentence}", at.path));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}
