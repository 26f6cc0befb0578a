//! What happened last: kept only when a failure is run again, for texts cost more than steps.

use std::collections::VecDeque;

/// The last lines.
#[derive(Debug)]
pub struct Trace {
    lines: VecDeque<String>,
    most: usize,
}

// === impl Trace ===

impl Trace {
    /// Keeps so many lines; 0 is none.
    pub fn of(most: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            most,
        }
    }

    /// Adds a line.
    pub fn line(&mut self, text: impl FnOnce() -> String) {
        if self.most == 0 {
            return;
        }
        if self.lines.len() == self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(text());
    }

    /// All that is kept.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
