//! What is heard in a network namespace: tcpdump, line by line.

use std::{
    io::{self, BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// tcpdump; killed with this.
#[derive(Debug)]
pub struct Capture {
    child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Capture {
    /// Listens on an interface of a namespace; returns when it hears. One that is set down ends it, but for
    /// `any`, which is all. `filter` is as pcap-filter(7) has it.
    pub fn start(netns: &str, interface: &str, filter: &str) -> Result<Self> {
        let line = format!("ip netns exec {netns} tcpdump -lnei {interface} {filter}");
        let mut child = process::words(&line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| line.clone())?;
        let said = child.stderr.take().context("no stderr")?;
        let output = child.stdout.take().context("no stdout")?;
        let (sender, lines) = channel();
        let capture = Self {
            child,
            lines,
            heard: Vec::new(),
        };
        // It says so on stderr when it listens, and what is wrong otherwise.
        let mut words = String::new();
        let mut said = BufReader::new(said);
        while !words.contains("listening on") {
            if said.read_line(&mut words)? == 0 {
                bail!("{line}: {}", words.trim());
            }
        }
        thread::spawn(move || -> io::Result<()> {
            for heard in BufReader::new(output).lines() {
                // Nobody listens any more once it is dropped.
                drop(sender.send(heard?));
            }
            Ok(())
        });
        Ok(capture)
    }

    /// How many lines so far have all of these texts.
    pub fn count(&mut self, texts: &[&str]) -> usize {
        self.heard.extend(self.lines.try_iter());
        let has_all = |line: &&String| texts.iter().all(|text| line.contains(text));
        self.heard.iter().filter(has_all).count()
    }

    /// Whether such a line was heard.
    pub fn hears(&mut self, texts: &[&str]) -> bool {
        self.count(texts) > 0
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
