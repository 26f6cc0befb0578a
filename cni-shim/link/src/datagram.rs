//! The door through which bytes of no kernel come: for programs that look for some that break a reader.

use crate::{
    monitor, observe, parents,
    socket::{Frame, NetlinkError},
};

/// What every reader makes of a datagram, in words; nothing if it can't be split into messages.
pub fn read(bytes: &[u8]) -> Vec<String> {
    let frames = Frame::split(bytes).unwrap_or_default();
    frames.iter().filter_map(frame).collect()
}

fn frame(frame: &Frame) -> Option<String> {
    let answers = [frame.answer(), frame.dump_answer()];
    if let Some(Err(error)) = answers.iter().find(|answer| answer.is_err()) {
        return Some(words(error));
    }
    let shown = [
        monitor::event(frame).map(|event| format!("{event:?}")),
        parents::parent(frame).map(|parent| format!("{parent:?}")),
        observe::read(frame),
    ];
    let shown: Vec<_> = shown.into_iter().flatten().collect();
    (!shown.is_empty()).then(|| shown.join("; "))
}

fn words(error: &NetlinkError) -> String {
    error.to_string()
}
