//! How somebody came to be signed in, and how sure that makes us.

use jiff::Timestamp;
use platform::token::Actor;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::devices::Device;

/// For how many seconds an admin may act in somebody's name, at most.
const IMPERSONATION: u32 = 60 * 60;

/// A session that is to be opened.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// For whom.
    pub(crate) user_id: Uuid,
    /// How they proved it.
    pub(crate) proofs: Vec<Proof>,
    /// Who acts in their name, if another does.
    pub(crate) impersonator_id: Option<Uuid>,
    /// With which device; none if it is not to be known again.
    pub(crate) device: Option<Device>,
    /// The hash of the password that was right, which must still be the account's.
    pub(crate) password_hash: Option<String>,
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Proof {
    /// A password.
    Password,
    /// A link that an operator made.
    Link,
    /// A code of an authenticator app.
    Totp,
    /// A code that was made for when the other factors are lost.
    RecoveryCode,
    /// A passkey that verified its user; synced ones are not bound to a device.
    Passkey { is_synced: bool },
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
        Self {
            user_id,
            proofs: vec![proof],
            impersonator_id: None,
            device: None,
            password_hash: None,
        }
    }

    /// The same with a device, which is known from then on.
    #[must_use]
    pub(crate) fn with(self, device: Device) -> Self {
        Self { device: Some(device), ..self }
    }

    /// For an admin who acts in the name of somebody else.
    pub(crate) fn impersonating(user_id: Uuid, impersonator_id: Uuid) -> Self {
        let impersonator_id = Some(impersonator_id);
        Self { proofs: Vec::new(), impersonator_id, ..Self::of(user_id, Proof::Password) }
    }

    /// For how many seconds the session lasts, however much it is used.
    pub(crate) fn lifetime(&self, usually: u32) -> u32 {
        if self.impersonator_id.is_some() { usually.min(IMPERSONATION) } else { usually }
    }

    /// The proofs as the database and tokens name them.
    pub(crate) fn amr(&self) -> Vec<&'static str> {
        let multiple = self.reaches_aal2().then_some("mfa");
        self.proofs.iter().map(|proof| proof.name()).chain(multiple).collect()
    }

    /// Whether the proofs are two factors, or one that is both.
    pub(crate) fn reaches_aal2(&self) -> bool {
        let is_second = |proof: &Proof| proof.is_second_factor();
        self.proofs.iter().any(|proof| proof.is_both_factors())
            || (self.proofs.iter().any(is_second) && !self.proofs.iter().all(is_second))
    }
}

// === impl Proof ===

impl Proof {
    /// Its name in tokens; from RFC 8176 where that has one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Link => "link",
            Self::Totp => "otp",
            Self::RecoveryCode => "recovery",
            Self::Passkey { is_synced: false } => "hwk",
            Self::Passkey { is_synced: true } => "swk",
            Self::Federated => "fed",
        }
    }

    /// What it adds to a session that is open: beside the proof that opened it, a
    /// second factor makes two.
    pub(crate) fn amr_beside_others(self) -> Vec<&'static str> {
        let multiple = (self.is_second_factor() || self.is_both_factors()).then_some("mfa");
        [self.name()].into_iter().chain(multiple).collect()
    }

    /// Whether it counts beside another proof only.
    fn is_second_factor(self) -> bool {
        matches!(self, Self::Totp | Self::RecoveryCode)
    }

    /// Whether it is enough by itself. A passkey is a key and what unlocks it. An
    /// operator's link is the way back in for whoever lost everything else: whoever
    /// can make one has the database and the master key, and could remove factors.
    fn is_both_factors(self) -> bool {
        matches!(self, Self::Passkey { .. } | Self::Link)
    }
}

// === impl Assurance ===

impl Assurance {
    /// The level that the proofs reach (NIST SP 800-63B).
    pub(crate) fn acr(&self) -> &'static str {
        if self.amr.iter().any(|method| method == "mfa") { "aal2" } else { "aal1" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_factors_are_two_different_kinds_or_one_that_is_both() {
        let passkey = Proof::Passkey { is_synced: false };
        for (proofs, amr) in [
            (&[Proof::Password][..], &["pwd"][..]),
            (&[Proof::Totp], &["otp"]),
            (&[Proof::Totp, Proof::RecoveryCode], &["otp", "recovery"]),
            (&[Proof::Password, Proof::Totp], &["pwd", "otp", "mfa"]),
            (&[Proof::Password, Proof::RecoveryCode], &["pwd", "recovery", "mfa"]),
            (&[Proof::Password, passkey], &["pwd", "hwk", "mfa"]),
            (&[Proof::Passkey { is_synced: true }], &["swk", "mfa"]),
            (&[Proof::Link], &["link", "mfa"]),
            (&[], &[]),
        ] {
            let proofs = proofs.to_vec();
            let (user_id, impersonator_id) = (Uuid::nil(), None);
            let opening = Opening { proofs, impersonator_id, ..Opening::of(user_id, Proof::Link) };
            assert_eq!(opening.amr(), amr);
        }
    }
}
