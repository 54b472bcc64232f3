//! What nobody may do in the name of another.

use proto::options::v1::Policy;
use tonic::Status;
use uuid::Uuid;

use super::Caller;
use crate::{
    status::{self, Reason},
    token::Claims,
};

/// Refuses whoever impersonates the caller of a method that is for owners only.
pub(super) fn check(policy: &Policy, claims: Option<&Claims>) -> Result<(), Status> {
    let is_impersonated = claims.is_some_and(|claims| claims.act.is_some());
    if policy.by_owner_only && is_impersonated {
        return Err(status::refuse(Reason::OWNER_ONLY));
    }
    Ok(())
}

// === impl Caller ===

impl Caller {
    /// Who really calls: the admin who acts in the user's name, or else the user.
    pub fn actor(&self) -> Option<Uuid> {
        let claims = self.claims.as_ref()?;
        Some(claims.act.as_ref().map_or(claims.sub, |actor| actor.sub))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Actor;

    #[test]
    fn whoever_impersonates_is_kept_from_what_is_for_owners_only() {
        let id = Uuid::now_v7();
        let own: Claims = serde_json::from_value(serde_json::json!({
            "iss": "", "aud": "", "sub": id, "sid": id, "jti": id,
            "iat": 0, "nbf": 0, "exp": 0, "roles": ["admin"],
        }))
        .unwrap();
        let impersonated = Claims { act: Some(Actor { sub: id }), ..own.clone() };
        let (open, closed) =
            (Policy::default(), Policy { by_owner_only: true, ..Policy::default() });
        for (policy, claims, is_allowed) in [
            (&open, &own, true),
            (&closed, &own, true),
            (&open, &impersonated, true),
            (&closed, &impersonated, false),
        ] {
            assert_eq!(check(policy, Some(claims)).is_ok(), is_allowed);
        }
        check(&closed, None).unwrap();
        let refused = check(&closed, Some(&impersonated)).unwrap_err();
        assert_eq!(status::reason_of(&refused), Some(Reason::OWNER_ONLY));
    }
}
