//! Options of packet sockets that nix has no names for; its macro writes the setsockopt.

use std::os::fd::OwnedFd;

use nix::{
    errno::Errno,
    libc::{self, packet_mreq, sock_filter, sock_fprog},
    sys::socket::setsockopt,
};

/// PACKET_ADD_MEMBERSHIP: also frames to a multicast address, as long as the socket is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct JoinGroup;

/// SO_ATTACH_FILTER: only frames that a program lets through.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketFilter;

mod implementations {
    use nix::sys::socket::sockopt::SetStruct;

    use super::{JoinGroup, PacketFilter, libc, packet_mreq, sock_fprog};

    nix::setsockopt_impl!(
        JoinGroup,
        libc::SOL_PACKET,
        libc::PACKET_ADD_MEMBERSHIP,
        packet_mreq,
        SetStruct<'_, packet_mreq>
    );
    nix::setsockopt_impl!(
        PacketFilter,
        libc::SOL_SOCKET,
        libc::SO_ATTACH_FILTER,
        sock_fprog,
        SetStruct<'_, sock_fprog>
    );
}

/// A load of one byte, of two, a comparison, a return.
const BYTE: u16 = 0x30;
const WORD: u16 = 0x28;
const EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
/// Where the kernel's own view of a frame begins, and in it the kind of receiver (SKF_AD_PKTTYPE).
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
/// PACKET_OTHERHOST.
const OTHER_HOST: u32 = 3;

const fn load(size: u16, at: u32) -> sock_filter {
    sock_filter {
        code: size,
        jt: 0,
        jf: 0,
        k: at,
    }
}

/// Goes on, so many instructions further, by whether the loaded is `k`.
const fn equal(k: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter {
        code: EQUAL,
        jt: then,
        jf: otherwise,
        k,
    }
}

const fn end(length: u32) -> sock_filter {
    sock_filter {
        code: RETURN,
        jt: 0,
        jf: 0,
        k: length,
    }
}

/// ARP and the two messages of neighbour discovery, for this host: the kernel also shows what is tagged for a
/// VLAN that it does not know, without its tag, as another host's.
static PROGRAM: [sock_filter; 11] = [
    load(BYTE, PACKET_TYPE),
    equal(OTHER_HOST, 8, 0),
    load(WORD, 12),
    equal(0x0806, 5, 0),
    load(BYTE, 20),
    equal(58, 0, 4),
    load(BYTE, 54),
    equal(135, 1, 0),
    equal(136, 0, 1),
    end(u32::MAX),
    end(0),
];

/// What [`PacketFilter`] takes.
pub(super) fn filter() -> sock_fprog {
    sock_fprog {
        len: u16::try_from(PROGRAM.len()).unwrap_or_default(),
        filter: PROGRAM.as_ptr().cast_mut(),
    }
}

/// Has the link take frames to a multicast address.
pub(super) fn join(socket: &OwnedFd, index: u32, group: [u8; 6]) -> Result<(), Errno> {
    let mut address = [0; 8];
    for (byte, own) in address.iter_mut().zip(group) {
        *byte = own;
    }
    let request = packet_mreq {
        mr_ifindex: i32::try_from(index).map_err(|_| Errno::EINVAL)?,
        mr_type: u16::try_from(libc::PACKET_MR_MULTICAST).map_err(|_| Errno::EINVAL)?,
        mr_alen: 6,
        mr_address: address,
    };
    setsockopt(socket, JoinGroup, &request)
}
