//! The way of our programs to the API server.

use kube::Config;

/// With a `User-Agent`: audit logs show it, and `metadata.managedFields` names its first word as the
/// manager.
#[must_use]
pub fn named(mut config: Config, program: &str) -> Config {
    let agent = format!("{program}/{}", env!("CARGO_PKG_VERSION"));
    if let (Ok(name), Ok(value)) = ("user-agent".parse(), agent.parse()) {
        config.headers.push((name, value));
    }
    config
}
