//! Claims for the tests of this module.

use std::sync::Arc;

use uuid::Uuid;

use crate::token::Claims;

pub(super) fn claims(roles: &[&str]) -> Arc<Claims> {
    let id = Uuid::now_v7();
    Arc::new(Claims {
        iss: String::new(),
        aud: String::new(),
        sub: id,
        sid: id,
        jti: id,
        iat: 0,
        nbf: 0,
        exp: 0,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        auth_time: 0,
        acr: String::new(),
        amr: Vec::new(),
        act: None,
        scope: None,
    })
}
