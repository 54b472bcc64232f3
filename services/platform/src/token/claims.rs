//! What kind of caller a token is for.

use super::Claims;

/// The role of the product's own services.
pub const SERVICE: &str = "service";
/// The role of every other machine that has an account of its own.
pub const MACHINE: &str = "machine";

// === impl Claims ===

impl Claims {
    /// Whether it is one of the product's own services.
    pub fn is_service(&self) -> bool {
        self.roles.iter().any(|role| role == SERVICE)
    }

    /// Whether it is an account that belongs to no user.
    pub fn is_machine(&self) -> bool {
        self.roles.iter().any(|role| role == SERVICE || role == MACHINE)
    }
}

#[cfg(test)]
impl Claims {
    /// Those of somebody with some ranks.
    pub(crate) fn of_roles(roles: &[&str]) -> Self {
        let id = uuid::Uuid::now_v7();
        Self {
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
        }
    }
}
