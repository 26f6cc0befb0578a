//! Enumerations that are words in the API and on the kernel's side.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word that is none of those expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {}", Expected(self.0))]
pub struct UnknownWord(pub &'static [&'static str]);

struct Expected(&'static [&'static str]);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{word}")?;
        }
        Ok(())
    }
}

/// One place for each word: the schema, serde and the kernel side all read it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every word, the default first.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord(Self::WORDS)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = alloc::string::String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// The kind of a network, without the suffix `Network`.
    NetworkKind {
        /// MacvlanNetwork.
        #[default]
        Macvlan = "Macvlan",
        /// IpvlanNetwork.
        Ipvlan = "Ipvlan",
    }
}

words! {
    /// The modes of macvlan.
    MacvlanMode {
        /// Links of one parent reach each other directly.
        #[default]
        Bridge = "bridge",
        /// Links of one parent never reach each other.
        Private = "private",
        /// Links of one parent reach each other through the switch.
        Vepa = "vepa",
        /// The only link of its parent, and the parent's own address.
        Passthru = "passthru",
        /// Only from the hardware addresses on a list.
        Source = "source",
    }
}

words! {
    /// The modes of ipvlan.
    IpvlanMode {
        /// Bridged on the parent.
        #[default]
        L2 = "l2",
        /// Routed by the parent's namespace.
        L3 = "l3",
        /// As l3, seen by the parent namespace's netfilter.
        L3s = "l3s",
    }
}

words! {
    /// The flags of ipvlan.
    IpvlanFlag {
        /// Links of one parent reach each other directly.
        #[default]
        Bridge = "bridge",
        /// Links of one parent never reach each other.
        Private = "private",
        /// Links of one parent reach each other through the switch.
        Vepa = "vepa",
    }
}

words! {
    /// The protocol of a VLAN's tag.
    VlanProtocol {
        /// The customer tag.
        #[default]
        Customer = "802.1Q",
        /// The service tag.
        Service = "802.1ad",
    }
}

words! {
    /// Who gives an attachment its addresses.
    IpamType {
        /// The operator, from the network's subnets.
        #[default]
        Cluster = "Cluster",
        /// A DHCP server in the LAN.
        Dhcp = "DHCP",
        /// Nobody: the link only.
        None = "None",
    }
}

words! {
    /// Whether an attachment takes the pod's default route.
    DefaultRoute {
        /// Never.
        #[default]
        Never = "Never",
        /// If the pod's annotation asks for it.
        OnRequest = "OnRequest",
        /// For every attachment.
        Always = "Always",
    }
}

words! {
    /// When a deleted Node proves that its machine is off.
    NodeDeletion {
        /// If the Node had a providerID: a cloud controller deletes it after the instance is gone.
        #[default]
        Auto = "Auto",
        /// Always: whoever deletes a Node asserts that its machine is off.
        Fenced = "Fenced",
        /// Never.
        Hold = "Hold",
    }
}
