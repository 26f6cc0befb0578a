//! The power switch of nodes and of the control plane.

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{cluster, control_plane, layout, node, progress};

/// What to do with it.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Power {
    #[value(name = "power-off")]
    Off,
    #[value(name = "power-on")]
    On,
    Reboot,
}

/// Switches a node, and waits until it is off, or Ready.
pub(crate) fn switch(name: &str, power: Power) -> Result<()> {
    cluster::need_up()?;
    if name == "control" {
        return restart_control_plane(power);
    }
    let node = crate::known(name)?;
    if matches!(power, Power::Off | Power::Reboot) {
        progress::step(&format!("cutting the power of {name}"), None, || {
            node::stop(&node)
        })?;
    }
    let expected = match node.kind {
        layout::Kind::Namespace => 3,
        layout::Kind::Uml => 25,
    };
    if matches!(power, Power::On | Power::Reboot) {
        progress::step(&format!("starting {name}"), Some(expected), || {
            node::start(&node)?;
            node::wait_ready(&node)
        })?;
    }
    Ok(())
}

/// Without it nothing says that a cluster is up: it can't be left without power.
fn restart_control_plane(power: Power) -> Result<()> {
    if !matches!(power, Power::Reboot) {
        bail!("the control plane can only be restarted: cargo dev node control reboot");
    }
    progress::step("cutting the power of the control plane", None, || {
        control_plane::machine().kill()
    })?;
    progress::step("starting the control plane", Some(10), control_plane::start)
}
