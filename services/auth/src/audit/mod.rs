//! What happened to accounts, written down in the transaction in which it did.

mod store;

use uuid::Uuid;

pub(crate) use self::store::record;

/// Something that happened. The client's address and the request's id are found
/// where the request is.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    /// What.
    pub(crate) kind: Kind,
    /// Who did it, if they were signed in.
    pub(crate) actor: Option<Uuid>,
    /// Whose account it happened to.
    pub(crate) subject: Option<Uuid>,
    /// Which session it is about.
    pub(crate) session: Option<Uuid>,
    /// What else is to be known; never a secret, never an e-mail address.
    pub(crate) details: &'a [(&'a str, &'a str)],
}

macro_rules! kinds {
    ($($kind:ident $name:literal $what:literal)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $(#[doc = $what] $kind,)*
        }

        impl Kind {
            /// Its name in the list of events.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    SessionCreated "session.created" "Somebody signed in."
    SessionEnded "session.ended" "A session was ended."
    RefreshTokenReused "session.refresh_token_reused" "A refresh token was used again, too late."
    IdentityLinked "identity.linked" "An account of another site was linked."
    IdentityUnlinked "identity.unlinked" "An account of another site was unlinked."
}
