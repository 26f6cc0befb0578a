//! Nodes with a kernel of their own: User-Mode Linux.
//!
//! The contract with node.rs, which calls these four for nodes of `Kind::Uml`:

use std::process::Command;

use anyhow::{Result, bail};

use crate::layout::Node;

/// Boots the node and returns once its command service answers. Bridges, certificates, tokens and
/// images exist by then; node.rs waits for Ready and imports the images with [`command`].
pub fn start(node: &Node) -> Result<()> {
    bail!("{}: UML nodes are not there yet", node.name)
}

/// A command of the machine that runs `words` inside the node: with its stdin, stdout, stderr and
/// exit code, so that callers run it as they like.
pub fn command(node: &Node, words: &[String]) -> Result<Command> {
    bail!("{}: UML nodes are not there yet: {words:?}", node.name)
}

/// Whether the node's kernel runs.
pub fn running(_node: &Node) -> bool {
    false
}

/// Cuts the power and removes the taps. Fine when nothing runs.
pub fn stop(_node: &Node) -> Result<()> {
    Ok(())
}
