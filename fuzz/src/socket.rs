//! What comes over the agent's socket.

use std::{io::Write as _, net::Shutdown, os::unix::net::UnixStream};

use landfall_core::attachment;
use landfall_plugin::wire::{
    Request, Response, receive_request, receive_response, send_request, send_response,
};

/// More would wait for a reader.
const MOST: usize = 64 * 1024;

/// A frame, as the agent and as the plugin receive it. What was understood is sent, and comes as it was.
pub fn socket(bytes: &[u8]) {
    let bytes = bytes.get(..MOST).unwrap_or(bytes);
    if let Some(request) = frame(bytes).and_then(|at| receive_request(&at).ok()) {
        annotations(&request.0);
        if let Some([near, far]) = pair() {
            let sent = send_request(&near, &request.0, None).ok();
            let received = sent.and_then(|()| receive_request(&far).ok());
            assert_eq!(received.map(|received| received.0), Some(request.0));
        }
    }
    if let Some(response) = frame(bytes).and_then(|at| receive_response(&at).ok())
        && let Some([near, far]) = pair()
    {
        let sent = send_response(&near, &response).ok();
        let received: Option<Response> = sent.and_then(|()| receive_response(&far).ok());
        assert_eq!(received, Some(response));
    }
}

/// What the agent reads next.
fn annotations(request: &Request) {
    let asked = &request.annotations;
    let read = attachment::requests(asked.npwg.as_deref(), asked.landfall.as_deref());
    for request in read.unwrap_or_default() {
        assert!(request.ips.len() <= attachment::MAX_ADDRESSES);
    }
}

/// The end of a connection whose other end said that and closed.
fn frame(bytes: &[u8]) -> Option<UnixStream> {
    let [mut near, far] = pair()?;
    near.write_all(bytes).ok()?;
    near.shutdown(Shutdown::Both).ok()?;
    Some(far)
}

fn pair() -> Option<[UnixStream; 2]> {
    UnixStream::pair().ok().map(<[UnixStream; 2]>::from)
}
