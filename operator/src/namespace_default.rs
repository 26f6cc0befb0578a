//! Whether pods can get the networks of their namespace.
//!
//! That is done by a MutatingAdmissionPolicy, which is stable since Kubernetes 1.36; below, the chart leaves
//! it out. Then a namespace that asks for it is told so.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::version::Info;
use kube::Client;
use tokio::{sync::mpsc, time::sleep};

use crate::watches::Change;

/// Between two looks at the API server's version: it may be upgraded.
const PERIOD: Duration = Duration::from_secs(600);
/// After a look that failed.
const RETRY: Duration = Duration::from_secs(5);
/// The first version whose policies are stable.
const FIRST: (u32, u32) = (1, 36);

/// Looks at the API server's version now and then. Ends when nobody listens any more.
pub(crate) async fn watch(client: Client, to: mpsc::Sender<Change>) {
    loop {
        let pause = match client.apiserver_version().await {
            Ok(version) => {
                let change = Change::NamespaceDefault(is_served(&version));
                if to.send(change).await.is_err() {
                    return;
                }
                PERIOD
            }
            Err(error) => {
                tracing::debug!(%error, "the API server's version can't be read");
                RETRY
            }
        };
        sleep(pause).await;
    }
}

/// Some providers write a minor version as `36+`.
fn is_served(version: &Info) -> bool {
    let number = |text: &str| {
        let digits = text.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse::<u32>().ok())
    };
    let version = number(&version.major).zip(number(&version.minor));
    // One that can't be read is none that we know to be too old.
    version.is_none_or(|version| version >= FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_stable_since_1_36() {
        let at = |major: &str, minor: &str| {
            is_served(&Info {
                major: major.to_owned(),
                minor: minor.to_owned(),
                ..Info::default()
            })
        };
        assert!(!at("1", "33"));
        assert!(!at("1", "35+"));
        assert!(at("1", "36"));
        assert!(at("1", "36+"));
        assert!(at("1", "100"));
        assert!(at("2", "0"));
        assert!(at("", ""));
    }
}
