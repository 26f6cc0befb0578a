//! The comma list: `[<namespace>/]<network>[@<interface>], …`.

use alloc::vec::Vec;

use super::{Fault, element::Element, error::quote};

/// Reads a comma list of at most `room` items.
pub(super) fn read(text: &str, room: usize) -> Result<Vec<Element>, Fault> {
    if text.split(',').nth(room).is_some() {
        return Err(Fault::TooMany);
    }
    text.split(',')
        .enumerate()
        .map(|(index, text)| item(index + 1, text.trim()))
        .collect()
}

fn item(place: usize, text: &str) -> Result<Element, Fault> {
    if text.is_empty() {
        return Err(Fault::EmptyItem(place));
    }
    let (path, interface) = cut(text, '@');
    let (first, second) = cut(path, '/');
    let more = |part: &str| part.contains(['/', '@']);
    if more(first) || second.is_some_and(more) || interface.is_some_and(more) {
        return Err(Fault::Separators(quote(text)));
    }
    let (namespace, name) = match second {
        Some(name) => (Some(first), name),
        None => (None, first),
    };
    Ok(Element {
        name: name.into(),
        namespace: namespace.map(Into::into),
        interface: interface.map(Into::into),
        ..Element::default()
    })
}

/// The text before the first separator, and what follows it.
fn cut(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    }
}
