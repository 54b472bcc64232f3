//! How somebody came to be signed in, and how sure that makes us.

use jiff::Timestamp;
use platform::token::Actor;
use uuid::Uuid;

/// A session that is to be opened.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// For whom.
    pub(crate) user_id: Uuid,
    /// How they proved it.
    pub(crate) proofs: Vec<Proof>,
    /// Who acts in their name, if another does.
    pub(crate) impersonator_id: Option<Uuid>,
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A password.
    Password,
    /// A link that an operator made.
    Link,
    /// The word of another site.
    Federated,
}

/// How sure it is who a session belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Assurance {
    /// When they last proved it.
    pub(crate) authenticated_at: Timestamp,
    /// How, in the names of RFC 8176.
    pub(crate) amr: Vec<String>,
    /// Who acts in their name.
    pub(crate) actor: Option<Actor>,
}

// === impl Opening ===

impl Opening {
    /// For a user who proved it in one way.
    pub(crate) fn of(user_id: Uuid, proof: Proof) -> Self {
        Self { user_id, proofs: vec![proof], impersonator_id: None }
    }

    /// The proofs as the database and tokens name them.
    pub(crate) fn amr(&self) -> Vec<&'static str> {
        self.proofs.iter().map(|proof| proof.name()).collect()
    }
}

// === impl Proof ===

impl Proof {
    /// Its name in tokens; from RFC 8176 where that has one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Link => "link",
            Self::Federated => "fed",
        }
    }
}

// === impl Assurance ===

impl Assurance {
    /// The level that the proofs reach (NIST SP 800-63B).
    pub(crate) fn acr(&self) -> &'static str {
        if self.amr.iter().any(|method| method == "mfa") { "aal2" } else { "aal1" }
    }
}
