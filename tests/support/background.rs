//! A shell script on a node that runs beside a test.

use std::process::{Child, ChildStdin, Stdio};

use anyhow::{Context, Result};

use crate::cluster::Cluster;

/// Runs until it is dropped. It ends with its stdin, so also when the test is killed.
#[derive(Debug)]
#[must_use = "it ends at once"]
pub struct Background {
    child: Child,
    stdin: Option<ChildStdin>,
}

// === impl Background ===

impl Background {
    /// Runs a loop inside a node; `arguments` are `$1`, `$2`, ….
    pub fn on_node(
        cluster: &Cluster,
        node: &str,
        script: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        let script = format!("({script}) & read -r _; exec 2>/dev/null; kill $!; wait $!");
        let words = [&["sh", "-uc", &script, "sh"], arguments].concat();
        let mut command = cluster.command_on_node(node, &words);
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| node.to_owned())?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stdin.take());
        self.child.wait().ok();
    }
}
