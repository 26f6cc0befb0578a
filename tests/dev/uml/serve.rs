//! The command service inside a UML node: runs what the machine outside asks for.
//!
//! It listens in a network namespace that holds only the link for it, so neither pods nor tests that
//! break the node's own links can reach or cut it; the commands run in the node's namespaces.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::wire::{Kind, receive, send};
use crate::process;

/// Where it listens.
pub(super) const PORT: u16 = 7022;
/// How long output of a command that has ended is waited for, while something it left behind holds
/// its stdout open.
const GRACE: Duration = Duration::from_millis(300);

/// What the threads around one command report.
enum Event {
    /// Bytes of its stdout or stderr.
    Output(Kind, Vec<u8>),
    /// One of the two was closed.
    Closed,
    /// It ended, with this code.
    Ended(u8),
}

/// Serves until the machine ends.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).context("command service")?;
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || {
            if let Err(error) = one(stream) {
                eprintln!("command service: {error:#}");
            }
        });
    }
}

/// Runs one command and tells the client all about it.
fn one(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let (kind, request) = receive(&mut stream)?;
    if kind != Kind::Request {
        bail!("a command has to begin with its words");
    }
    let words: Vec<String> = serde_json::from_slice(&request)?;
    let child = match start(&words) {
        Ok(child) => child,
        Err(error) => {
            send(&mut stream, Kind::Stderr, format!("{error:#}\n").as_bytes())?;
            return Ok(send(&mut stream, Kind::Exit, &[127])?);
        }
    };
    let ended = Arc::new(AtomicBool::new(false));
    let events = watch(child, stream.try_clone()?, Arc::clone(&ended))?;
    let code = relay(&events, &mut stream)?;
    ended.store(true, Ordering::SeqCst);
    Ok(send(&mut stream, Kind::Exit, &[code])?)
}

/// Starts `words` in the network namespace of process 1, in a process group of their own.
fn start(words: &[String]) -> Result<Child> {
    process::words("nsenter --net=/proc/1/ns/net --")
        .args(words)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("nsenter")
}

/// One thread for each thing that can happen to the command or its client.
fn watch(
    mut child: Child,
    mut client: TcpStream,
    ended: Arc<AtomicBool>,
) -> Result<Receiver<Event>> {
    let (sender, events) = channel();
    let stdout = child.stdout.take().context("no stdout")?;
    let stderr = child.stderr.take().context("no stderr")?;
    let stdin = child.stdin.take().context("no stdin")?;
    let group = Pid::from_raw(i32::try_from(child.id())?);
    let [one, other] = [sender.clone(), sender.clone()];
    thread::spawn(move || pump(stdout, Kind::Stdout, &one));
    thread::spawn(move || pump(stderr, Kind::Stderr, &other));
    thread::spawn(move || {
        feed(&mut client, stdin);
        // The client is gone: so is whoever wanted the command.
        if !ended.load(Ordering::SeqCst) {
            killpg(group, Signal::SIGKILL).ok();
        }
    });
    thread::spawn(move || {
        let code = child.wait().map_or(255, process::code);
        sender.send(Event::Ended(code)).ok();
    });
    Ok(events)
}

/// From a pipe of the command to the events.
fn pump(mut pipe: impl Read, kind: Kind, events: &Sender<Event>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = pipe.read(&mut buffer) {
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        if events.send(Event::Output(kind, bytes)).is_err() {
            return;
        }
    }
    events.send(Event::Closed).ok();
}

/// From the client to the command's stdin; returns when the client is gone.
fn feed(client: &mut TcpStream, stdin: impl Write) {
    let mut stdin = Some(stdin);
    while let Ok((Kind::Stdin, bytes)) = receive(client) {
        let open = !bytes.is_empty();
        // A command that doesn't read, or has closed it, is no reason to stop listening to the client.
        stdin = stdin
            .filter(|_| open)
            .and_then(|mut pipe| pipe.write_all(&bytes).ok().map(|()| pipe));
    }
}

/// From the events to the client; returns the exit code.
fn relay(events: &Receiver<Event>, client: &mut TcpStream) -> Result<u8> {
    let mut open = 2;
    let mut code = None;
    loop {
        let event = match code {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => events.recv_timeout(GRACE),
        };
        match event {
            Ok(Event::Output(kind, bytes)) => send(client, kind, &bytes)?,
            Ok(Event::Closed) => open -= 1,
            Ok(Event::Ended(number)) => code = Some(number),
            Err(_) => return Ok(code.unwrap_or(255)),
        }
        if let (0, Some(code)) = (open, code) {
            return Ok(code);
        }
    }
}
