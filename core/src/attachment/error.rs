//! What is wrong with an annotation, as a sentence for its author.

use alloc::string::String;
use core::fmt;

use super::{MAX_ADDRESSES, MAX_BYTES, MAX_REQUESTS, NameFault};
use crate::{id::Name, mac::MacError};

/// Why an annotation can't be served, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationError {
    /// The annotation's key.
    pub key: &'static str,
    /// The network of the element at fault; `None` if it is the whole.
    pub element: Option<Name>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong. Texts of the user are quoted, and cut where they get long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The annotation has too many bytes.
    #[error("it has more than {MAX_BYTES} bytes")]
    TooLong,
    /// The pod asks for too many attachments.
    #[error("a pod may ask for at most {MAX_REQUESTS} attachments, over both annotations")]
    TooMany,
    /// Not the JSON that it should be.
    #[error(
        "it is no JSON list of objects such as [{{\"name\": \"storage\"}}] ({0}); without any of [ {{ \" it would be read as a comma list"
    )]
    Json(String),
    /// An item of a comma list without text.
    #[error("item {0} is empty; write names separated by single commas")]
    EmptyItem(usize),
    /// An item of a comma list with two of `/` or `@`.
    #[error("{0} has more than one '/' or '@'; expected [<namespace>/]<network>[@<interface>]")]
    Separators(String),
    /// An element of a JSON list without `name`.
    #[error("element {0} has no name; each needs the name of a network")]
    NoName(usize),
    /// A name that can't be one.
    #[error("{field}: {text} is no such name: {fault}")]
    Name {
        /// The key.
        field: &'static str,
        /// The value.
        text: String,
        /// What is wrong with it.
        fault: NameFault,
    },
    /// A text in `ips` that is no address.
    #[error("ips: {0} is no address; write for example 10.20.0.5, 10.20.0.5/24 or fd00::5")]
    Address(String),
    /// The same address twice.
    #[error("ips: {0} stands there twice")]
    AddressTwice(String),
    /// More addresses than an interface may ask for.
    #[error("ips: at most {MAX_ADDRESSES} addresses may be asked for")]
    TooManyAddresses,
    /// A text in `default-route` that is no address.
    #[error("default-route: {0} is no address; write the gateway's, for example 10.20.0.1")]
    Gateway(String),
    /// A bad hardware address.
    #[error("mac: {text} can't be used: {fault}")]
    Mac {
        /// The value.
        text: String,
        /// What is wrong with it.
        fault: MacError,
    },
    /// `ips` beside `ipam-claim-reference`.
    #[error("ips and ipam-claim-reference exclude each other: the claim has the addresses")]
    ClaimAndAddresses,
    /// An interface name that the pod has already.
    #[error(
        "interface: {0:?} is taken in every pod or reserved by the kernel; choose another name, or leave it out"
    )]
    InterfaceTaken(String),
    /// The same interface name twice.
    #[error(
        "interface: {interface:?} is already that of {first}; elements without a name get net<i> by their place in the list"
    )]
    InterfaceTwice {
        /// The name.
        interface: String,
        /// The network of the element that has it.
        first: Name,
    },
    /// Two elements ask for the default route.
    #[error("default-route: {0} asks for it already, and a pod has only one")]
    DefaultRouteTwice(Name),
}

// === impl AnnotationError ===

impl AnnotationError {
    pub(super) const fn whole(key: &'static str, fault: Fault) -> Self {
        Self {
            key,
            element: None,
            fault,
        }
    }

    pub(super) fn of(key: &'static str, element: &Name, fault: Fault) -> Self {
        Self {
            key,
            element: Some(element.clone()),
            fault,
        }
    }
}

impl fmt::Display for AnnotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.element {
            Some(element) => write!(f, "annotation {}, {element}: {}", self.key, self.fault),
            None => write!(f, "annotation {}: {}", self.key, self.fault),
        }
    }
}

impl core::error::Error for AnnotationError {}

/// A text of the user inside a sentence: quoted, escaped, and cut where it gets long.
pub(super) fn quote(text: &str) -> String {
    const MAX: usize = 64;
    if text.chars().count() <= MAX {
        return alloc::format!("{text:?}");
    }
    let head: String = text.chars().take(MAX).collect();
    alloc::format!("{head:?}…")
}
