//! The other end of a UML node's command service.

use std::{
    fs::File,
    io::{Read, Write, stderr, stdin, stdout},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, setns};

use super::{
    serve::PORT,
    wire::{Kind, receive, send},
};

/// How often, and how long each time, the machine is called. It is a wire away: it answers at once,
/// unless it boots or is busy.
const TRIES: u8 = 10;
const TRY: Duration = Duration::from_millis(300);

/// Runs `words` in the machine that answers on `address` of the namespace `netns`, with this
/// process's stdin, stdout and stderr. Returns their exit code.
pub(super) fn run(netns: &Path, address: Ipv4Addr, words: &[String]) -> Result<u8> {
    let mut server = connect(netns, address)?;
    send(&mut server, Kind::Request, &serde_json::to_vec(words)?)?;
    let input = server.try_clone()?;
    // Ends with the process: nobody waits for a stdin that stays open.
    thread::spawn(move || feed(input));
    loop {
        let (kind, content) = receive(&mut server).context("the node went away")?;
        match kind {
            Kind::Stdout => pass(stdout(), &content)?,
            Kind::Stderr => pass(stderr(), &content)?,
            Kind::Exit => return Ok(content.first().copied().unwrap_or(255)),
            Kind::Request | Kind::Stdin => {}
        }
    }
}

/// A connection made inside `netns`, usable from outside. The rest of the process stays there too:
/// it has nothing else to do.
fn connect(netns: &Path, address: Ipv4Addr) -> Result<TcpStream> {
    let namespace = File::open(netns).with_context(|| netns.display().to_string())?;
    setns(namespace, CloneFlags::CLONE_NEWNET).context("setns")?;
    let address = SocketAddr::from((address, PORT));
    // Short tries: a kernel that is still booting answers no ARP, and the next question comes late.
    let mut tries = (0..TRIES).map(|_| TcpStream::connect_timeout(&address, TRY));
    let server = tries
        .find_map(Result::ok)
        .with_context(|| format!("no command service on {address}"))?;
    server.set_nodelay(true)?;
    Ok(server)
}

fn pass(mut to: impl Write, content: &[u8]) -> Result<()> {
    to.write_all(content)?;
    Ok(to.flush()?)
}

fn feed(mut server: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = stdin().read(&mut buffer) {
        if send(
            &mut server,
            Kind::Stdin,
            buffer.get(..length).unwrap_or_default(),
        )
        .is_err()
        {
            return;
        }
    }
    send(&mut server, Kind::Stdin, &[]).ok();
}
