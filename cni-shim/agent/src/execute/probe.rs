//! Asks the LANs of the node's parents whether somebody has an address, on a thread of its own.
//!
//! Three questions, 200 ms apart, and 200 ms for the last answer. RFC 5227 takes four to seven seconds and RFC
//! 4862 one, for hosts that choose addresses at random and whose port may not forward yet. Here the ledger has
//! chosen, the parent has been in use since long before, a host of the LAN answers within milliseconds, and
//! kubelet waits: an ADD has two seconds.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::mpsc::{Receiver, TryRecvError},
    thread,
    time::Duration,
};

use landfall_core::{
    id::{Seq, Uid},
    mac::Mac,
};
use landfall_link::{Chain, Ear, Heard, Says};

use super::Wanted;
use crate::engine::{Handle, Input};

/// Between two looks at what was heard.
const TICK: Duration = Duration::from_millis(20);
/// So many questions …
const TIMES: u32 = 3;
/// … and so many looks between two of them.
const APART: u32 = 10;

/// What to ask on one parent.
#[derive(Debug)]
pub struct ProbeJob {
    /// The network.
    pub network: Uid,
    /// The parent's index.
    pub parent: u32,
    /// The parent's hardware address.
    pub mac: Mac,
    /// Grants whose address nobody should have.
    pub grants: Vec<((IpAddr, Seq), Wanted)>,
    /// Gateways, which should be there.
    pub gateways: Vec<IpAddr>,
}

/// The end of a question.
#[derive(Debug)]
pub enum Probed {
    /// Of a grant.
    Grant {
        /// Which.
        key: (IpAddr, Seq),
        /// Whether the answer is still wanted.
        wanted: Wanted,
        /// Who has the address.
        found: Found,
    },
    /// Of a gateway.
    Gateway {
        /// The network.
        network: Uid,
        /// Which.
        address: IpAddr,
        /// Whether it has answered.
        answers: bool,
    },
}

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nobody has said so.
    Nobody,
    /// A host of the LAN.
    Host(Mac),
    /// The LAN could not be asked: why.
    NotAsked(String),
}

/// A parent with questions under way.
struct Place {
    ear: Ear,
    questions: Vec<Question>,
}

/// One question.
struct Question {
    about: About,
    address: IpAddr,
    /// How many looks ago it was asked first.
    age: u32,
}

enum About {
    Grant((IpAddr, Seq), Wanted),
    Gateway(Uid),
}

/// Starts the thread, in the network namespace of the calling thread.
pub(super) fn start(engine: Handle, jobs: Receiver<ProbeJob>) -> Result<(), std::io::Error> {
    thread::Builder::new()
        .name("probe".to_owned())
        .spawn(move || serve(&engine, &jobs))
        .map(drop)
}

fn serve(engine: &Handle, jobs: &Receiver<ProbeJob>) {
    let mut places: BTreeMap<(u32, Mac), Place> = BTreeMap::new();
    loop {
        if places.is_empty() {
            let Ok(job) = jobs.recv() else { return };
            begin(&mut places, job, engine);
        }
        loop {
            match jobs.try_recv() {
                Ok(job) => begin(&mut places, job, engine),
                Err(TryRecvError::Empty) => break,
                // The agent is ending.
                Err(TryRecvError::Disconnected) => return,
            }
        }
        for place in places.values_mut() {
            for probed in place.look() {
                engine.tell(Input::Probed(probed));
            }
        }
        places.retain(|_, place| !place.questions.is_empty());
        if !places.is_empty() {
            thread::sleep(TICK);
        }
    }
}

fn begin(places: &mut BTreeMap<(u32, Mac), Place>, job: ProbeJob, engine: &Handle) {
    let place = (job.parent, job.mac);
    let questions = job.questions();
    if let Some(known) = places.get_mut(&place) {
        known.questions.extend(questions);
        return;
    }
    match Ear::open(place.0, place.1) {
        Ok(ear) => {
            let questions = questions.collect();
            places.insert(place, Place { ear, questions });
        }
        Err(error) => {
            let why = Chain(&error).to_string();
            for question in questions {
                let found = Found::NotAsked(why.clone());
                engine.tell(Input::Probed(question.end(found)));
            }
        }
    }
}

// === impl ProbeJob ===

impl ProbeJob {
    fn questions(self) -> impl Iterator<Item = Question> {
        let network = self.network;
        let grants = self.grants.into_iter().map(|(key, wanted)| Question {
            address: key.0,
            about: About::Grant(key, wanted),
            age: 0,
        });
        let gateways = self.gateways.into_iter().map(move |address| Question {
            address,
            about: About::Gateway(network),
            age: 0,
        });
        grants.chain(gateways)
    }
}

// === impl Place ===

impl Place {
    /// What was heard since the last look, and the questions that are due.
    fn look(&mut self) -> Vec<Probed> {
        let heard = self.ear.hear();
        let mut ended = Vec::new();
        let mut left = Vec::new();
        for mut question in std::mem::take(&mut self.questions) {
            if !question.is_wanted() {
                continue;
            }
            if let Some(found) = question
                .answer(&heard)
                .or_else(|| question.go_on(&self.ear))
            {
                ended.push(question.end(found));
            } else {
                left.push(question);
            }
        }
        self.questions = left;
        ended
    }
}

// === impl Question ===

impl Question {
    fn is_wanted(&self) -> bool {
        match &self.about {
            About::Grant(_, wanted) => wanted.is_wanted(),
            About::Gateway(_) => true,
        }
    }

    /// Who wants an address that it asks for itself counts as if it had it (RFC 5227, 2.1.1; RFC 4862,
    /// 5.4.3); other nodes ask for a gateway as this one does.
    fn answer(&self, heard: &[Heard]) -> Option<Found> {
        let is_grant = matches!(self.about, About::Grant(..));
        let mut about = heard.iter().filter(|heard| heard.address == self.address);
        let answer = about.find(|heard| is_grant || heard.says == Says::Has)?;
        Some(Found::Host(answer.mac))
    }

    fn go_on(&mut self, ear: &Ear) -> Option<Found> {
        let age = self.age;
        self.age += 1;
        if age >= TIMES * APART {
            return Some(Found::Nobody);
        }
        if !age.is_multiple_of(APART) {
            return None;
        }
        let error = ear.ask(self.address).err()?;
        Some(Found::NotAsked(Chain(&error).to_string()))
    }

    fn end(self, found: Found) -> Probed {
        match self.about {
            About::Grant(key, wanted) => Probed::Grant { key, wanted, found },
            About::Gateway(network) => Probed::Gateway {
                network,
                address: self.address,
                answers: matches!(found, Found::Host(_)),
            },
        }
    }
}
