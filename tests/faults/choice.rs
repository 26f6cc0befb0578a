//! Which faults are tried: in CI a few of them, evenly spread; all of them by hand, in parts if need be.

/// How many are tried instead, `all`, or a part of all: `100..200`, `100..`.
const MOST: &str = "LANDFALL_FAULTS";

/// At most so many of all, evenly spread, unless something else is asked for.
pub(crate) fn some<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let asked = std::env::var(MOST).ok();
    let number = |text: &str| -> usize { text.parse().expect("LANDFALL_FAULTS: a number") };
    let spread = |most| spread(all.len(), most);
    let is_chosen: Box<dyn Fn(usize) -> bool> = match asked.as_deref() {
        None => Box::new(spread(most)),
        Some("all") => Box::new(|_| true),
        Some(text) => match text.split_once("..") {
            None => Box::new(spread(number(text))),
            Some((from, "")) => Box::new(move |place| place >= number(from)),
            Some((from, to)) => Box::new(move |place| (number(from)..number(to)).contains(&place)),
        },
    };
    let items = all.into_iter().enumerate();
    let chosen = items.filter(|(place, _)| is_chosen(*place));
    chosen.map(|(_, item)| item).collect()
}

fn spread(count: usize, most: usize) -> impl Fn(usize) -> bool {
    move |place| most >= count || (place * most) / count != ((place + 1) * most) / count
}
