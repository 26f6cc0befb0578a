//! A client's watch of one collection: where it stands, and what it learns next.

use std::rc::Rc;

use crate::{
    dice::Dice,
    server::{Collection, Event, Object, Refusal},
};

/// A watch. Its client keeps the objects.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// The version up to which everything was seen; `None`: a list must come first.
    at: Option<u64>,
}

/// What a watch says.
#[derive(Clone, Debug)]
pub enum News<K, S, T> {
    /// All objects there are: what is not among them is not there.
    List(Vec<Rc<Object<K, S, T>>>),
    /// What happened since.
    Events(Vec<Event<K, S, T>>),
    /// The history does not go back so far: the next news is a list.
    Expired,
}

/// How a list is asked for.
#[derive(Debug)]
pub enum Freshness<'d> {
    /// The newest.
    Newest,
    /// From a server that may be behind, even behind what the client knows.
    Any(&'d mut Dice),
}

// === impl Watch ===

impl Watch {
    /// The connection is lost: the next news is a list.
    pub fn restart(&mut self) {
        self.at = None;
    }

    /// Whether the first list is still to come.
    pub fn is_new(&self) -> bool {
        self.at.is_none()
    }

    /// Whether there is nothing to learn.
    pub fn is_current<K: Ord + Clone, S, T>(&self, of: &Collection<K, S, T>) -> bool
    where
        S: Clone + PartialEq,
        T: Clone + PartialEq + Default,
    {
        self.at == Some(of.latest()) || (of.latest() == 0 && self.at.is_some())
    }

    /// Learns up to `most` events more, or a list.
    pub fn next<K: Ord + Clone, S, T>(
        &mut self,
        of: &Collection<K, S, T>,
        most: usize,
        freshness: Freshness<'_>,
    ) -> News<K, S, T>
    where
        S: Clone + PartialEq,
        T: Clone + PartialEq + Default,
    {
        let Some(at) = self.at else {
            return match freshness {
                Freshness::Newest => {
                    self.at = Some(of.latest());
                    News::List(of.all().cloned().collect())
                }
                Freshness::Any(dice) => {
                    let span = of.latest() - of.oldest();
                    let back = dice.below(usize::try_from(span).unwrap_or_default() + 1);
                    let version = of.latest() - u64::try_from(back).unwrap_or_default();
                    self.at = Some(version);
                    News::List(of.list_at(version))
                }
            };
        };
        match of.after(at) {
            Ok(events) => {
                let events: Vec<Event<K, S, T>> = events.take(most).cloned().collect();
                if let Some(last) = events.last() {
                    self.at = Some(last.object.meta.version);
                }
                News::Events(events)
            }
            Err(Refusal::Gone) => {
                self.at = None;
                News::Expired
            }
            Err(Refusal::NotFound | Refusal::Exists | Refusal::Conflict | Refusal::Invalid) => {
                News::Events(Vec::new())
            }
        }
    }
}
