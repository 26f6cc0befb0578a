//! ADD. Whatever fails, nothing is left behind.

use landfall_core::{
    id::Name,
    link::{Device, Observed, Step, index, next_index},
    mac::Mac,
    network::NetworkKind,
};
use landfall_link::{AttachError, Cause, Chain, Hint, Netns, Node};
use nix::errno::Errno;

use super::{
    Call, arguments, internal,
    ipam::Ipam,
    result::{CniResult, Interface},
    sandbox, vlan,
};
use crate::spec::{CniError, Code};

/// How many indexes are tried.
const INDEX_ATTEMPTS: u32 = 3;

/// What an ADD works with.
pub(super) struct Scene {
    /// Where the parent is.
    pub(super) below: Node,
    /// The sandbox.
    pub(super) netns: Netns,
    /// In the sandbox.
    pub(super) pod: Node,
    /// The link's index there.
    pub(super) index: u32,
}

/// What an ADD met after the link was made.
struct Failed {
    error: CniError,
    /// Whether addresses were taken.
    taken: bool,
}

impl Call<'_> {
    pub(super) fn add(&self) -> Result<String, CniError> {
        let early = self.config.link_in_container.then(|| self.sandbox());
        let early = early.transpose()?;
        let mut below = self.below(early.as_ref())?;
        let previous = self.previous()?;
        let master = self.parent(&mut below, previous.as_ref())?;
        let mtu = self.mtu(&master)?;
        let mac = self.mac()?;
        let netns = early.map_or_else(|| self.sandbox(), Ok)?;
        self.refuse_own_netns()?;
        let device = Device {
            name: Name::from(self.environment.interface.as_str()),
            index: index(&self.environment.container_id, &self.environment.interface),
            parent: master.index,
            driver: self.config.driver().map_err(internal)?,
            mac,
            mtu,
            tx_queue_length: None,
            all_multicast: false,
            alias: None,
        };
        let index = self.hang(&mut below, &netns, device, &master)?;
        let pod = sandbox::inside(&netns).map_err(|error| self.lost(&netns, error))?;
        let mut scene = Scene {
            below,
            netns,
            pod,
            index,
        };
        self.fill(&mut scene, previous)
            .map_err(|failed| self.roll_back(&mut scene, failed))
    }

    /// Makes the link, on a VLAN where the configuration has one. Once it is there, the VLAN has a user.
    fn hang(
        &self,
        below: &mut Node,
        netns: &Netns,
        mut device: Device,
        master: &Observed,
    ) -> Result<u32, CniError> {
        let turn = self.turn()?;
        if let (Some(turn), Some(vlan)) = (&turn, &self.config.vlan) {
            device.parent = vlan::on(below, vlan, (&master.name, master.index), turn)?;
        }
        let created = self.create(below, netns, device);
        if let (Err(_), Some(turn)) = (&created, &turn) {
            // What matters is the error that is on its way; the next DEL tries again.
            drop(self.release_vlan(below, netns, turn));
        }
        created
    }

    /// The link, then its addresses, then the VLAN. An address whose link stays is not given back.
    fn roll_back(&self, scene: &mut Scene, failed: Failed) -> CniError {
        let mut failures = Vec::new();
        if failed.taken && self.ipam().needs_link() {
            failures.extend(self.ipam_del().err());
        }
        if let Err(error) = scene.pod.remove_link(scene.index) {
            failures.push(internal(format!(
                "cannot remove the link: {}",
                Chain(&error)
            )));
            return with(failed.error, failures);
        }
        if failed.taken && !self.ipam().needs_link() {
            failures.extend(self.ipam_del().err());
        }
        let released = self.release_vlan_in_turn(&mut scene.below, &scene.netns);
        failures.extend(released.err());
        with(failed.error, failures)
    }

    /// No way into the sandbox after the link was made there.
    fn lost(&self, netns: &Netns, error: CniError) -> CniError {
        let name = Name::from(self.environment.interface.as_str());
        let removed = landfall_link::detach_named(netns, &name);
        with(error, removed.err().map(|error| internal(Chain(&error))))
    }

    /// prevResult, which only ipvlan reads.
    fn previous(&self) -> Result<Option<CniResult>, CniError> {
        let raw = self.config.prev_result;
        let raw = raw.filter(|_| self.config.kind == NetworkKind::Ipvlan);
        raw.map(|raw| CniResult::read_raw(raw, self.config.version))
            .transpose()
            .map_err(|error| internal(format!("could not parse prevResult: {error}")))
    }

    /// The hardware address to ask for: runtimeConfig's, else that of CNI_ARGS, else the configuration's.
    fn mac(&self) -> Result<Option<Mac>, CniError> {
        let config = &self.config;
        if config.kind == NetworkKind::Ipvlan {
            return self.no_mac();
        }
        let of_arguments = if self.ipam() == Ipam::BuiltIn {
            let read = arguments::read(&self.environment.args, ["MAC", "IP"]);
            read.map_err(internal)?[0]
        } else {
            let read = arguments::read(&self.environment.args, ["MAC"]);
            read.map_err(internal)?[0]
        };
        let texts = [
            config.runtime_mac.as_str(),
            of_arguments.unwrap_or_default(),
            config.mac.as_str(),
        ];
        let Some(text) = texts.into_iter().find(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let mac = text.parse().map_err(|_| {
            internal(format!(
                "invalid args {text} for MAC addr: address {text}: invalid MAC address"
            ))
        });
        mac.map(Some)
    }

    /// An ipvlan link has its parent's. Who asks for another must not believe to have it.
    fn no_mac(&self) -> Result<Option<Mac>, CniError> {
        let mut pairs = self.environment.args.split(';');
        let asked = pairs.any(|pair| pair.starts_with("MAC=") && pair != "MAC=");
        if asked || !self.config.runtime_mac.is_empty() {
            let msg = "ipvlan links have the hardware address of their parent: ask for none";
            return Err(CniError::new(Code::InvalidConfig, msg));
        }
        Ok(None)
    }

    /// Makes the link, in the sandbox and with its final name, and returns its index.
    fn create(&self, below: &mut Node, netns: &Netns, mut device: Device) -> Result<u32, CniError> {
        let mut attempt = 1;
        loop {
            let step = Step::Create(device.clone());
            match below.run(netns, &device.name, &[step]) {
                Ok(()) => return Ok(device.index),
                Err(error) if is_index_taken(&error) && attempt < INDEX_ATTEMPTS => {
                    attempt += 1;
                    device.index = next_index(device.index);
                }
                Err(error) => return Err(self.not_made(&error)),
            }
        }
    }

    fn not_made(&self, error: &AttachError) -> CniError {
        let (kind, name) = (self.kind(), &self.environment.interface);
        let why = kernel(error);
        match errno(error) {
            // The reference makes it under another name first.
            Some(Errno::EEXIST) => internal(format!("failed to rename {kind} to {name:?}: {why}")),
            _ => internal(format!("failed to create {kind}: {why}")),
        }
    }

    /// Addresses and routes, and what is printed.
    fn fill(&self, scene: &mut Scene, previous: Option<CniResult>) -> Result<String, Failed> {
        let without = |error| Failed {
            error,
            taken: false,
        };
        let chained = previous.filter(|result| self.ipam() == Ipam::None && !result.ips.is_empty());
        let is_plain = self.config.kind == NetworkKind::Macvlan && self.ipam() == Ipam::None;
        if is_plain || chained.is_some() {
            let result = chained.unwrap_or_default();
            return self.finish(scene, result).map_err(without);
        }
        // One that fails has given nothing: a second ADD of an attachment is refused, and must not take the
        // address of the first.
        let taken = self.ipam_add().map_err(without)?;
        taken
            .result()
            .and_then(|result| self.finish(scene, result))
            .map_err(|error| Failed { error, taken: true })
    }

    fn finish(&self, scene: &mut Scene, mut result: CniResult) -> Result<String, CniError> {
        for ip in &mut result.ips {
            ip.interface = Some(0);
        }
        self.configure(scene, &result)?;
        let name = &self.environment.interface;
        let made = scene.pod.link_named(name);
        let made = made.map_err(|error| internal(Chain(&error)))?;
        let mac = made.and_then(|link| link.mac);
        result.interfaces = vec![Interface {
            name: name.clone(),
            mac: mac.map(|mac| mac.to_string()).unwrap_or_default(),
            sandbox: self.netns_path().display().to_string(),
        }];
        if !self.config.dns.is_empty() {
            result.dns = self.config.dns.clone();
        }
        result.print(self.config.version).map_err(internal)
    }
}

fn with(mut error: CniError, failures: impl IntoIterator<Item = CniError>) -> CniError {
    for failure in failures {
        let separator = if error.details.is_empty() { "" } else { "; " };
        let CniError { msg, .. } = failure;
        error.details = format!(
            "{}{separator}and it could not be undone: {msg}",
            error.details
        );
    }
    error
}

fn is_index_taken(error: &AttachError) -> bool {
    error.hint() == Some(&Hint::IndexTaken)
}

/// The error number of a refused step.
pub(super) fn errno(error: &AttachError) -> Option<Errno> {
    match &error.cause {
        Cause::Step(step) => step.source.errno(),
        Cause::Netns(_)
        | Cause::Observe(_)
        | Cause::Conflict(_)
        | Cause::Sysctl(_)
        | Cause::Differs(_) => None,
    }
}

/// Why the kernel refused: its own words first, as the reference prints them, then what may help.
pub(super) fn kernel(error: &AttachError) -> String {
    let Some(errno) = errno(error) else {
        return Chain(error).to_string();
    };
    let words = errno.desc().to_lowercase();
    match error.hint() {
        Some(hint) => format!("{words} ({hint})"),
        None => words,
    }
}
