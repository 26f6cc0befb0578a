//! Which networks can't hang from one link.

use core::fmt;

use super::{Driver, IpvlanFlag, IpvlanMode, MacvlanMode};

/// Why the kernel does not let links of two networks hang from one parent, or would change the first
/// network's links under way. Facts of Linux 6.18, tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clash {
    /// A link has one rx_handler, macvlan's or ipvlan's: EBUSY.
    Kind,
    /// In mode passthru macvlan has a link to itself: EINVAL both ways.
    Passthru,
    /// ipvlan's mode belongs to the parent: a new link changes it for all.
    Mode {
        /// The other network's.
        theirs: IpvlanMode,
    },
    /// So does its flag.
    Flag {
        /// The other network's.
        theirs: IpvlanFlag,
    },
}

// === impl Driver ===

impl Driver {
    /// Why links of this driver and of another network's can't hang from one parent.
    pub fn clash(&self, theirs: &Self) -> Option<Clash> {
        match (self, theirs) {
            (Self::Macvlan(own), Self::Macvlan(other)) => {
                let has_all = |mode| mode == MacvlanMode::Passthru;
                (has_all(own.mode) || has_all(other.mode)).then_some(Clash::Passthru)
            }
            (
                Self::Ipvlan { mode, flag },
                Self::Ipvlan {
                    mode: their_mode,
                    flag: their_flag,
                },
            ) => {
                if mode != their_mode {
                    return Some(Clash::Mode {
                        theirs: *their_mode,
                    });
                }
                (flag != their_flag).then_some(Clash::Flag {
                    theirs: *their_flag,
                })
            }
            (Self::Macvlan(_), Self::Ipvlan { .. }) | (Self::Ipvlan { .. }, Self::Macvlan(_)) => {
                Some(Clash::Kind)
            }
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("macvlan and ipvlan can't share a link"),
            Self::Passthru => f.write_str("macvlan in mode passthru shares its link with no other"),
            Self::Mode { theirs } => {
                write!(f, "all ipvlan on a link have one mode, which is {theirs}")
            }
            Self::Flag { theirs } => {
                write!(f, "all ipvlan on a link have one flag, which is {theirs}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Macvlan;

    fn macvlan(mode: MacvlanMode) -> Driver {
        Driver::Macvlan(Macvlan {
            mode,
            ..Macvlan::default()
        })
    }

    fn ipvlan(mode: IpvlanMode, flag: IpvlanFlag) -> Driver {
        Driver::Ipvlan { mode, flag }
    }

    #[test]
    fn what_can_share_a_link_and_what_can_not() {
        let bridge = || macvlan(MacvlanMode::Bridge);
        let passthru = || macvlan(MacvlanMode::Passthru);
        let l2 = || ipvlan(IpvlanMode::L2, IpvlanFlag::Bridge);
        let mode = |theirs| Some(Clash::Mode { theirs });
        let flag = |theirs| Some(Clash::Flag { theirs });
        let private = || ipvlan(IpvlanMode::L2, IpvlanFlag::Private);
        let l3 = || ipvlan(IpvlanMode::L3, IpvlanFlag::Bridge);
        // (younger, older, why the younger is not served)
        let rows = [
            (bridge(), bridge(), None),
            (bridge(), macvlan(MacvlanMode::Vepa), None),
            (bridge(), passthru(), Some(Clash::Passthru)),
            (passthru(), bridge(), Some(Clash::Passthru)),
            (passthru(), passthru(), Some(Clash::Passthru)),
            (bridge(), l2(), Some(Clash::Kind)),
            (l2(), bridge(), Some(Clash::Kind)),
            (l2(), l2(), None),
            (l2(), l3(), mode(IpvlanMode::L3)),
            (l3(), l2(), mode(IpvlanMode::L2)),
            (l2(), private(), flag(IpvlanFlag::Private)),
        ];
        for (younger, older, why) in rows {
            assert_eq!(younger.clash(&older), why, "{younger:?} beside {older:?}");
        }
    }
}
