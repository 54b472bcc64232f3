//! What a machine's token may do: what its scopes name, and nothing else.

use proto::options::v1::{Access, Policy};
use tonic::Status;

use crate::{status, token::Claims};

/// What the scopes of a token make of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// The rest of the policy decides.
    Known,
    /// The method is open to all, and the scopes do not cover it: to this method
    /// the caller is anybody.
    Anyone,
}

/// Checks the scopes of a token; tokens of people have none and need none.
pub(super) fn check(policy: &Policy, claims: &Claims) -> Result<Standing, Status> {
    let Some(scope) = &claims.scope else { return Ok(Standing::Known) };
    let covers = scope.split(' ').any(|scope| !scope.is_empty() && scope == policy.scope);
    match policy.access() {
        _ if covers => Ok(Standing::Known),
        // Services of the product own nothing that an open method might show them.
        Access::Public if claims.is_service() => Ok(Standing::Known),
        Access::Public => Ok(Standing::Anyone),
        // The role says it all.
        Access::Service if policy.scope.is_empty() => Ok(Standing::Known),
        _ => Err(status::insufficient_scope(&policy.scope)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_what_its_scopes_name_and_nothing_else() {
        use Access::{Admin, Public, Self_, Service, User};
        use Standing::{Anyone, Known};

        const CLOSED: Result<Standing, &str> = Err("SCOPE_REQUIRED");
        let wide = Some("posts.read posts.write");
        for (access, needs, scope, roles, expected) in [
            (Self_, "posts.write", None, "", Ok(Known)),
            (Self_, "", None, "", Ok(Known)),
            (Self_, "posts.write", wide, "", Ok(Known)),
            (Self_, "posts.write", Some("posts.read"), "", CLOSED),
            (Self_, "posts.write", Some("posts.write2 posts.writ"), "", CLOSED),
            (Self_, "posts.write", Some(""), "", CLOSED),
            (Self_, "", wide, "admin", CLOSED),
            (Self_, "", Some(""), "", CLOSED),
            (Self_, "", Some(" "), "", CLOSED),
            (User, "", wide, "", CLOSED),
            (Admin, "users.read", wide, "admin", CLOSED),
            (Public, "", wide, "", Ok(Anyone)),
            (Public, "posts.read", wide, "", Ok(Known)),
            (Public, "posts.read", Some("users.read"), "admin", Ok(Anyone)),
            (Public, "", Some(""), "service", Ok(Known)),
            (Service, "", Some(""), "service", Ok(Known)),
            (Service, "users.read", Some(""), "service", CLOSED),
            (Self_, "posts.write", Some(""), "service", CLOSED),
        ] {
            let policy =
                Policy { access: access.into(), scope: needs.to_owned(), ..Policy::default() };
            let scope = scope.map(str::to_owned);
            let claims = Claims { scope, ..Claims::of_roles(&[roles]) };
            let found =
                check(&policy, &claims).map_err(|status| status::reason_of(&status).unwrap().code);
            assert_eq!(found, expected, "{access:?} {needs:?} {:?} {roles}", claims.scope);
        }
    }
}
