//! Answers in CNI's words.

use landfall_core::agent::Outcome;
use landfall_plugin::{
    spec::{CniError, Code, Verb},
    wire::{Address, Attached, Route},
};

use crate::engine::{self, Answer};

/// Faults of the node: the first code that the specification leaves to plugins.
const FAILED: Code = Code::Other(100);

/// What the engine's answer means. No answer: the agent is ending.
pub(super) fn result(answer: Option<Answer>) -> Result<Vec<Attached>, CniError> {
    let ending = || CniError::new(Code::TryAgainLater, "the agent is stopping");
    let answer = answer.ok_or_else(ending)?;
    match error_of(answer.outcome) {
        None => Ok(answer.links.iter().map(attached).collect()),
        Some(error) => Err(error),
    }
}

/// The error that an outcome is.
pub fn error_of(outcome: Outcome) -> Option<CniError> {
    match outcome {
        Outcome::Done => None,
        Outcome::TryAgain(why) => Some(CniError::new(Code::TryAgainLater, why)),
        Outcome::Refused(why) => Some(CniError::new(Code::InvalidConfig, why)),
        Outcome::Failed(why) => Some(CniError::new(FAILED, why)),
    }
}

/// Runtimes take a failed DEL whose text has "not found" for a successful one.
pub(super) fn worded(verb: Verb, mut error: CniError) -> CniError {
    if verb == Verb::Del {
        error.msg = error.msg.replace("not found", "missing");
        error.details = error.details.replace("not found", "missing");
    }
    error
}

fn attached(link: &engine::Attached) -> Attached {
    let wanted = &link.wanted;
    let made = link.made.as_ref().map(|made| &made.link);
    let gateway = |v6: bool| {
        wanted
            .routes
            .iter()
            .filter(|route| route.destination.prefix_len() == 0)
            .filter(|route| route.destination.addr().is_ipv6() == v6)
            .find_map(|route| route.gateway)
    };
    Attached {
        network: link.network.clone(),
        interface: wanted.device.name.to_string(),
        mac: made
            .and_then(|made| made.mac)
            .or(wanted.device.mac)
            .map(|mac| mac.to_string()),
        mtu: made.map(|made| made.mtu),
        addresses: wanted
            .addresses
            .iter()
            .map(|net| Address {
                address: net.to_string(),
                gateway: gateway(net.addr().is_ipv6()).map(|gateway| gateway.to_string()),
            })
            .collect(),
        routes: wanted
            .routes
            .iter()
            .map(|route| Route {
                destination: route.destination.to_string(),
                gateway: route.gateway.map(|gateway| gateway.to_string()),
                metric: route.metric,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_the_codes_of_the_contract() {
        let code = |outcome| error_of(outcome).map(|error| error.code.number());
        let why = || "why".to_owned();
        assert_eq!(code(Outcome::Done), None);
        assert_eq!(code(Outcome::TryAgain(why())), Some(11));
        assert_eq!(code(Outcome::Refused(why())), Some(7));
        assert_eq!(code(Outcome::Failed(why())), Some(100));
    }

    #[test]
    fn a_failed_del_never_says_not_found() {
        let error = CniError::new(FAILED, "parent not found").with_details("not found");
        let worded = worded(Verb::Del, error.clone());
        assert!(!format!("{} {}", worded.msg, worded.details).contains("not found"));
        assert_eq!(super::worded(Verb::Add, error.clone()), error);
    }
}
