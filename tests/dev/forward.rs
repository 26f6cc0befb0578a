//! A listener on the machine's loopback that leads to the API server, so that plain kubectl, helm
//! and k9s work with the kubeconfig.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, setns};

use crate::{
    launch,
    layout::{self, API_PORT, CONTROL_ADDRESS, NETNS_CONTROL},
    network, pki, process, progress,
};

/// Tried first: a kubeconfig copied elsewhere then survives `down` and `up`.
const PORT: u16 = 16443;

fn folder() -> PathBuf {
    layout::state().join("forward")
}

/// Starts it and writes its port into the kubeconfig; fine when it runs already.
pub(crate) fn start() -> Result<()> {
    if running() {
        return Ok(());
    }
    let log = folder().join("forward.log");
    fs::create_dir_all(folder())?;
    fs::remove_file(folder().join("port")).unwrap_or_default();
    launch::daemon(&["internal", "forward"], &[], &log)?;
    let port = || fs::read_to_string(folder().join("port")).ok();
    if !progress::wait(Duration::from_secs(5), || port().is_some()) {
        bail!("the forwarder did not start; {}", process::tail(&log, 10));
    }
    let server = format!("https://127.0.0.1:{}", port().unwrap_or_default());
    pki::kubeconfig("admin", &server, &layout::kubeconfig())
}

fn running() -> bool {
    let connects = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    let port = fs::read_to_string(folder().join("port"))
        .ok()
        .and_then(|port| port.parse().ok());
    port.is_some_and(connects)
}

/// `internal forward`: never ends.
pub(crate) fn run() -> Result<()> {
    launch::leave_session();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .context("127.0.0.1")?;
    // The listener stays in the machine's namespace; what is connected from now on does not.
    setns(
        File::open(network::path(NETNS_CONTROL))?,
        CloneFlags::CLONE_NEWNET,
    )?;
    let part = folder().join("port.part");
    process::write(&part, listener.local_addr()?.port().to_string())?;
    fs::rename(part, folder().join("port"))?;
    for client in listener.incoming() {
        let client = client?;
        thread::spawn(move || {
            if let Err(error) = serve(&client) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn serve(client: &TcpStream) -> io::Result<()> {
    let server = TcpStream::connect((CONTROL_ADDRESS, API_PORT))?;
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let upward = thread::spawn(move || copy(&from, &to));
    copy(&server, client);
    // Whatever broke in that thread was the connection, and it is over.
    upward.join().unwrap_or_default();
    Ok(())
}

/// One direction, until either side is done.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    io::copy(&mut from, &mut to).map(drop).unwrap_or_default();
    to.shutdown(Shutdown::Write).unwrap_or_default();
}
