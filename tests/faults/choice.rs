//! Which faults are tried: in CI a few of them, evenly spread; all of them by hand.

/// How many are tried instead, or `all`.
const MOST: &str = "LANDFALL_FAULTS";

/// At most so many of all, evenly spread.
pub(crate) fn some<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let count = all.len();
    let most = match std::env::var(MOST).ok().as_deref() {
        Some("all") => count,
        Some(text) => text.parse().expect("LANDFALL_FAULTS is a number, or all"),
        None => most,
    };
    let is_chosen = |place: &usize| (place * most) / count != ((place + 1) * most) / count;
    let items = all.into_iter().enumerate();
    let chosen = items.filter(|(place, _)| most >= count || is_chosen(place));
    chosen.map(|(_, item)| item).collect()
}
