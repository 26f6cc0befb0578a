//! Which faults are tried: in CI a few of them, evenly spread; all of them by hand.

/// Every fault is tried if this is set.
const ALL: &str = "LANDFALL_FAULTS_ALL";

/// At most so many of all, evenly spread, or all of them.
pub(crate) fn some<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let count = all.len();
    if std::env::var_os(ALL).is_some() || count <= most {
        return all;
    }
    let picked = |place: &usize| (place * most) / count != ((place + 1) * most) / count;
    let places = (0..count).filter(picked);
    let places: Vec<_> = places.collect();
    let items = all.into_iter().enumerate();
    let items = items.filter(|(place, _)| places.contains(place));
    items.map(|(_, item)| item).collect()
}
