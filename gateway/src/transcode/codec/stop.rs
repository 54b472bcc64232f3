//! Why a way from bytes to bytes ends early.

/// Why a pass gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The input is not what its form and the contract say.
    Malformed(&'static str),
    /// The message holds a value that JSON has no form for.
    NoJson(&'static str),
    /// Right or wrong: it takes a message tree to tell.
    Unusual(Unusual),
}

/// What only a message tree can be trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusual {
    /// Fields are out of order, or a field that is no list is there twice.
    Order,
    /// Two members of one `oneof` are there.
    Oneof,
    /// A field is written in a way that is not its kind's.
    WireType,
    /// A map has a key twice, or an entry is not a key and a value.
    MapEntry,
    /// A group, which proto3 does not have.
    Group,
    /// An `Any` that holds something.
    Any,
    /// A well-known message that is written in an odd way.
    WellKnown,
    /// A message that has no plan: proto2, or too many fields.
    Unplanned,
}

// === impl Stop ===

impl Stop {
    /// The input ends inside something.
    pub(crate) const TRUNCATED: Self = Self::Malformed("it ends too early");
    /// Messages inside messages, without an end.
    pub(crate) const TOO_DEEP: Self = Self::Malformed("it is nested too deeply");
    /// Text that is no text.
    pub(crate) const NOT_UTF8: Self = Self::Malformed("a text is not UTF-8");
}

impl From<Unusual> for Stop {
    fn from(unusual: Unusual) -> Self {
        Self::Unusual(unusual)
    }
}

// === impl Unusual ===

impl Unusual {
    /// The word for it in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Oneof => "oneof",
            Self::WireType => "wire_type",
            Self::MapEntry => "map_entry",
            Self::Group => "group",
            Self::Any => "any",
            Self::WellKnown => "well_known",
            Self::Unplanned => "unplanned",
        }
    }
}
