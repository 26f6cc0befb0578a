//! What the kernel answers.

/// struct nlmsghdr.
const HEADER: usize = 16;

/// A datagram, as every reader of ours sees it.
pub fn netlink(bytes: &[u8]) {
    let read = landfall_link::datagram::read(bytes);
    // No byte is of two messages.
    assert!(read.len() <= bytes.len() / HEADER);
}
