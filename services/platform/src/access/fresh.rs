//! Dangerous calls need a recent proof of who calls (RFC 9470, NIST SP 800-63B).
//!
//! That the proof includes the second factor of an account that has one is held by
//! auth: it opens no session without it, and ends the others when the first is added.

use jiff::Timestamp;
use proto::options::v1::Policy;
use tonic::Status;

use crate::{status, token::Claims};

/// Refuses a caller whose proof is older than the policy allows. Whoever acts in
/// the name of another has proven nothing for them.
pub(super) fn check(
    policy: &Policy,
    claims: Option<&Claims>,
    now: Timestamp,
) -> Result<(), Status> {
    if policy.fresh_seconds == 0 {
        return Ok(());
    }
    let since = now.as_second() - i64::from(policy.fresh_seconds);
    let is_fresh = claims.is_some_and(|claims| claims.act.is_none() && claims.auth_time >= since);
    if is_fresh { Ok(()) } else { Err(status::step_up(policy.fresh_seconds)) }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;
    use uuid::Uuid;

    use super::*;
    use crate::{
        access::fixture::claims,
        status::{MAX_AGE, Reason, reason_of},
        token::Actor,
    };

    #[test]
    fn a_proof_is_recent_until_it_is_not() {
        let now = Timestamp::from_second(10_000).unwrap();
        let policy = |fresh_seconds| Policy { fresh_seconds, ..Policy::default() };
        for (auth_time, fresh_seconds, is_fresh) in [
            (10_000, 600, true),
            (9_400, 600, true),
            (9_399, 600, false),
            (0, 600, false),
            (0, 0, true),
        ] {
            let mut claims = Claims::clone(&claims(&[]));
            claims.auth_time = auth_time;
            let checked = check(&policy(fresh_seconds), Some(&claims), now);
            assert_eq!(checked.is_ok(), is_fresh, "{auth_time} {fresh_seconds}");
        }
        let refused = check(&policy(600), None, now).unwrap_err();
        assert_eq!(reason_of(&refused), Some(Reason::STEP_UP_REQUIRED));
        assert_eq!(refused.get_details_error_info().unwrap().metadata[MAX_AGE], "600");
    }

    #[test]
    fn who_impersonates_another_is_never_fresh() {
        let now = Timestamp::from_second(10_000).unwrap();
        let mut claims = Claims::clone(&claims(&["admin"]));
        (claims.auth_time, claims.act) = (10_000, Some(Actor { sub: Uuid::now_v7() }));
        let policy = Policy { fresh_seconds: 600, ..Policy::default() };
        check(&policy, Some(&claims), now).unwrap_err();
    }
}
