//! Names that users choose: of interfaces and of objects.

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It has no character.
    #[error("it is empty")]
    Empty,
    /// An interface name with more than 15 bytes.
    #[error("it has more than the 15 characters that the kernel allows")]
    LongInterface,
    /// An interface name with a character that the kernel or its sysctl folders refuse.
    #[error("an interface name has only visible ASCII characters, without '/', ':' and '%'")]
    Interface,
    /// `.` or `..` as an interface name.
    #[error("the kernel refuses it, because it names a folder")]
    Folder,
    /// Not a DNS label.
    #[error(
        "expected a DNS label: at most 63 of a-z, 0-9 and '-', not beginning or ending with '-'"
    )]
    Label,
    /// Not a DNS subdomain.
    #[error("expected a DNS name: at most 253 of a-z, 0-9, '-' and '.', each part a DNS label")]
    Subdomain,
}

/// Checks the name of an interface. Stricter than the kernel, which allows any byte but `/`, `:` and
/// white space: control characters and `%` (the kernel expands `%d`) help nobody.
pub fn check_interface(name: &str) -> Result<(), NameFault> {
    match name {
        "" => Err(NameFault::Empty),
        "." | ".." => Err(NameFault::Folder),
        _ if name.len() > 15 => Err(NameFault::LongInterface),
        _ if name
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"/:%".contains(&b)) =>
        {
            Ok(())
        }
        _ => Err(NameFault::Interface),
    }
}

/// Checks a DNS label: the name of a network, a segment, a namespace.
pub fn check_label(name: &str) -> Result<(), NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let inside = name.bytes().all(|b| plain(b) || b == b'-');
    let ends = [name.bytes().next(), name.bytes().next_back()];
    let outside = ends.into_iter().flatten().all(plain);
    if inside && outside && name.len() <= 63 {
        Ok(())
    } else {
        Err(NameFault::Label)
    }
}

/// Checks a DNS subdomain: the name of any other object.
pub fn check_subdomain(name: &str) -> Result<(), NameFault> {
    if name.is_empty() {
        return Err(NameFault::Empty);
    }
    if name.len() <= 253 && name.split('.').all(|part| check_label(part).is_ok()) {
        Ok(())
    } else {
        Err(NameFault::Subdomain)
    }
}
