//! Where in an object a fault is.

use std::fmt;

/// What is wrong with a field of an object: a sentence for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's path: `spec.ipam.subnets[0].gateway`.
    pub field: String,
    /// What is wrong, what was expected, and what to do.
    pub problem: String,
}

/// The path of a field.
#[derive(Clone, Debug)]
pub(super) struct At(String);

// === impl At ===

impl At {
    pub(super) fn root(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub(super) fn field(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    pub(super) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key:?}]", self.0))
    }

    pub(super) fn fault(&self, problem: impl Into<String>) -> Fault {
        Fault {
            field: self.0.clone(),
            problem: problem.into(),
        }
    }

    /// Converts each item of a list, up to the first fault.
    pub(super) fn each<T, U>(
        &self,
        items: &[T],
        convert: impl Fn(&Self, &T) -> Result<U, Fault>,
    ) -> Result<Vec<U>, Fault> {
        let converted = items.iter().enumerate();
        converted
            .map(|(i, item)| convert(&self.index(i), item))
            .collect()
    }
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

impl std::error::Error for Fault {}
