//! What programs act on: the API server, the network to it, and whoever watches over all of it.

use landfall_core::ledger::{
    Millis, View,
    finding::{Finding, Kind, Subject},
};

use crate::{
    api::{Answer, Api, Request},
    check::Checker,
    dice::Dice,
    fault::{Fault, Faults},
    server::Refusal,
    trace::Trace,
};

/// Why a client has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server said no.
    Refused(Refusal),
    /// 429, 500, or no answer at all: whether it was done is not known.
    Unknown,
}

/// The API server and the network.
#[derive(Debug)]
pub struct Site {
    /// The API server.
    pub api: Api,
    /// Milliseconds; grows with every step.
    pub now: Millis,
    /// The faults of this schedule.
    pub faults: Faults,
    /// The invariants.
    pub checker: Checker,
    /// What happened last.
    pub trace: Trace,
    /// Nobody reaches the API server.
    pub is_closed: bool,
    /// Requests on their way whose clients wait no longer.
    late: Vec<Request>,
}

// === impl Site ===

impl Site {
    /// An API server without objects.
    pub fn new(faults: Faults, checker: Checker, trace: Trace) -> Self {
        Self {
            api: Api::default(),
            now: 1_000_000,
            faults,
            checker,
            trace,
            is_closed: false,
            late: Vec::new(),
        }
    }

    /// Sends a write, over a network that loses and delays.
    pub fn send(&mut self, request: Request, dice: &mut Dice) -> Result<Answer, Failure> {
        if let Some(failure) = self.fails(dice) {
            return Err(failure);
        }
        if self.faults.happens(Fault::RequestLate, dice) {
            self.trace.line(|| format!("  late: {request:?}"));
            self.late.push(request);
            return Err(Failure::Unknown);
        }
        let answer = self.perform(request);
        if self.faults.happens(Fault::ReplyLost, dice) {
            self.trace.line(|| "  the reply is lost".to_owned());
            return Err(Failure::Unknown);
        }
        answer.map_err(Failure::Refused)
    }

    /// Whether a read, or a write before it is done, fails.
    pub fn fails(&mut self, dice: &mut Dice) -> Option<Failure> {
        let kinds = [Fault::RequestLost, Fault::TooMany, Fault::Internal];
        let kind = kinds
            .into_iter()
            .find(|kind| self.faults.happens(*kind, dice))?;
        self.trace.line(|| format!("  {}", kind.text()));
        Some(Failure::Unknown)
    }

    /// Lets one late request land; whether there was one.
    pub fn land(&mut self, dice: &mut Dice) -> bool {
        if self.late.is_empty() {
            return false;
        }
        let request = self.late.swap_remove(dice.below(self.late.len()));
        self.trace.line(|| "a late request lands".to_owned());
        // Its client waits no longer: the answer is nobody's.
        match self.perform(request) {
            Ok(_) | Err(_) => true,
        }
    }

    /// Whether the ledger is a backup's, which says nothing of what came later.
    pub fn is_ledger_lost(&self) -> bool {
        self.checker.is_lost(&self.api)
    }

    /// What is on its way gets lost: the API server is started anew.
    pub fn lose_requests(&mut self) {
        self.late.clear();
    }

    /// Does a write, and looks at what it did.
    pub fn perform(&mut self, request: Request) -> Result<Answer, Refusal> {
        self.trace.line(|| format!("  {request:?}"));
        let before = self.checker.before(&self.api, &request);
        let answer = self.api.perform(request);
        if let Err(refusal) = &answer {
            self.trace.line(|| format!("  -> {refusal:?}"));
        }
        self.checker.after(&self.api, before, &self.faults);
        answer
    }

    /// Whether a finding is of an address that a node lists and its machine has released, only that the
    /// status as it is known does not say so: one that has landed late has taken that back, until the agent
    /// writes it anew.
    pub fn is_taken_back(&self, view: &View, finding: &Finding) -> bool {
        let Subject::Node(name) = &finding.subject else {
            return false;
        };
        let is_of_kind = matches!(finding.kind, Kind::NotHeld | Kind::HeldElsewhere);
        let node = view.nodes.get(name).filter(|_| is_of_kind);
        node.is_some_and(|node| {
            let listed = node.spec.grants.iter().filter_map(|grant| grant.address);
            let mut listed = listed.filter(|(address, _)| *address == finding.address);
            self.faults.had(Fault::RequestLate)
                && listed.any(|key| {
                    !node.status.released.contains(&key)
                        && self.checker.has_released(node.machine, key)
                })
        })
    }
}
