//! Pings at 100 a second in the background, and how many were lost.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
    net::IpAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;

/// Between two pings.
const INTERVAL: Duration = Duration::from_millis(10);
/// To enter a pod of a busy User-Mode Linux node takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// ping(8) until stdin is closed: that reaches it through any number of programs that hand their stdin
/// on, where a signal would not.
const SCRIPT: &str = "echo started; ping -n -i 0.01 \"$@\" & read -r _; kill -INT $!; wait $!; :";

/// Pings that are under way.
#[derive(Debug)]
pub struct Pinger {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<String>,
}

/// What came of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pings {
    /// From where to where.
    pub what: String,
    /// How many were sent.
    pub sent: u64,
    /// How many were not answered.
    pub lost: u64,
    /// The longest time without an answer, as far as lost pings show it.
    pub longest: Duration,
}

// === impl Pinger ===

impl Pinger {
    /// From an interface of a pod; its network namespace stays as long as the pings go on.
    pub fn in_pod(
        cluster: &Cluster,
        namespace: &str,
        pod: &str,
        interface: &str,
        to: IpAddr,
    ) -> Result<Self> {
        let to = to.to_string();
        let words = ["sh", "-c", SCRIPT, "sh", "-I", interface, &to];
        let command = cluster.command_in_pod(namespace, pod, &words);
        Self::start(format!("{pod} to {to}"), command)
    }

    /// From a node, or from the host on the LAN (`lan`).
    pub fn on_node(cluster: &Cluster, node: &str, to: IpAddr) -> Result<Self> {
        let to = to.to_string();
        let words = ["sh", "-c", SCRIPT, "sh", &to];
        Self::start(
            format!("{node} to {to}"),
            cluster.command_on_node(node, &words),
        )
    }

    fn start(what: String, mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| what.clone())?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, said) = channel();
        thread::spawn(move || read(stdout, &sender));
        let pinger = Self {
            what,
            child,
            stdin,
            said,
        };
        let started = pinger.said.recv_timeout(PATIENCE);
        started.with_context(|| format!("no pings of {}", pinger.what))?;
        Ok(pinger)
    }

    /// Ends them; prints and returns what came of them.
    pub fn stop(mut self) -> Result<Pings> {
        drop(self.stdin.take());
        let said = self.said.recv_timeout(PATIENCE);
        let said = said.with_context(|| format!("the pings of {} do not end", self.what))?;
        let pings = Pings::read(&self.what, &said)?;
        eprintln!("pings {pings}");
        Ok(pings)
    }
}

impl Drop for Pinger {
    fn drop(&mut self) {
        drop(self.stdin.take());
        self.said.recv_timeout(PATIENCE).unwrap_or_default();
        // Mostly it has ended: it ends with its stdin.
        self.child.kill().unwrap_or_default();
        self.child.wait().ok();
    }
}

/// Sends the first line, and all the rest when the command has ended.
fn read(stdout: ChildStdout, to: &Sender<String>) {
    let mut stdout = BufReader::new(stdout);
    let mut first = String::new();
    let begun = stdout.read_line(&mut first);
    if begun.is_ok_and(|length| length > 0) && to.send(first).is_ok() {
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap_or_default();
        to.send(rest).unwrap_or_default();
    }
}

// === impl Pings ===

impl Pings {
    /// Fails if any was lost.
    pub fn none_lost(&self) -> Result<()> {
        if self.lost > 0 {
            bail!("pings {self}");
        }
        Ok(())
    }

    /// Reads the lines of ping(8).
    fn read(what: &str, said: &str) -> Result<Self> {
        let number = |line: &str, after: &str| -> Option<u64> {
            let rest = line.split_once(after)?.1;
            rest.split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        };
        let summary = said
            .lines()
            .find(|line| line.contains("packets transmitted"));
        let sent = summary.and_then(|line| number(&format!(" {line}"), " "));
        let sent = sent.with_context(|| format!("{what}: no summary in {said:?}"))?;
        let mut answered = Vec::new();
        let mut turns = 0;
        for line in said.lines().filter(|line| line.contains("bytes from")) {
            // Answers count their pings in 16 bits.
            let Some(low) = number(line, "icmp_seq=") else {
                continue;
            };
            let last = answered.last().copied().unwrap_or_default();
            if low + turns + (1 << 15) < last {
                turns += 1 << 16;
            }
            answered.push(low + turns);
        }
        Ok(Self::count(what, sent, answered))
    }

    /// The last ping of all may have been under way when they were stopped.
    fn count(what: &str, sent: u64, mut answered: Vec<u64>) -> Self {
        answered.sort_unstable();
        answered.dedup();
        let last = answered.last().copied().unwrap_or_default();
        let sent = if last + 1 == sent { last } else { sent };
        let received = u64::try_from(answered.len()).unwrap_or_default();
        answered.push(sent + 1);
        let mut longest = 0;
        let mut before = 0;
        for seq in answered {
            longest = longest.max(seq.saturating_sub(before + 1));
            before = seq;
        }
        Self {
            what: what.to_owned(),
            sent,
            lost: sent.saturating_sub(received),
            longest: INTERVAL * u32::try_from(longest).unwrap_or(u32::MAX),
        }
    }
}

impl fmt::Display for Pings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            sent,
            lost,
            longest,
        } = self;
        write!(f, "{what}: {sent} sent, {lost} lost")?;
        if *lost > 0 {
            write!(f, ", at most {} ms in a row", longest.as_millis())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
