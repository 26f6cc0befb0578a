//! What goes between `cargo dev node` and a UML node's command service: frames over one stream.
//!
//! ```text
//! client                                     server
//!   Request  words as a JSON list   ──────>    starts them
//!   Stdin    bytes, none: the end   ──────>    its stdin
//!            its stdout, its stderr <──────    Stdout, Stderr
//!            its own exit code      <──────    Exit  one byte; the last frame
//!   (closed without Exit)           ──────>    kills what it started
//! ```

use std::io::{self, Read, Write};

/// Longest frame that is believed; a request holds one command line.
const LONGEST: u32 = 4 << 20;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The words of the command, as a JSON list.
    Request,
    /// Bytes for its stdin; an empty frame is the end of it.
    Stdin,
    /// Bytes from its stdout.
    Stdout,
    /// Bytes from its stderr.
    Stderr,
    /// Its exit code, one byte.
    Exit,
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 5] = [
        Self::Request,
        Self::Stdin,
        Self::Stdout,
        Self::Stderr,
        Self::Exit,
    ];

    fn code(self) -> u8 {
        match self {
            Self::Request => 1,
            Self::Stdin => 2,
            Self::Stdout => 3,
            Self::Stderr => 4,
            Self::Exit => 5,
        }
    }
}

/// Sends one frame.
pub(super) fn send(stream: &mut impl Write, kind: Kind, content: &[u8]) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    // One write a frame: on a stream without delay each write is a packet.
    let mut frame = vec![kind.code()];
    frame.extend(length.to_be_bytes());
    frame.extend(content);
    stream.write_all(&frame)
}

/// Receives one frame; an error when the stream ends.
pub(super) fn receive(stream: &mut impl Read) -> io::Result<(Kind, Vec<u8>)> {
    let mut code = [0; 1];
    stream.read_exact(&mut code)?;
    let [code] = code;
    let kind = Kind::ALL.into_iter().find(|kind| kind.code() == code);
    let kind = kind.ok_or_else(|| io::Error::other(format!("no frame is of kind {code}")))?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    let mut content = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut content)?;
    Ok((kind, content))
}
