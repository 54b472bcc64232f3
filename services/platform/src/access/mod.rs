//! Who may call what, read from the contract and enforced before any handler.

#[cfg(test)]
mod fixture;
mod fresh;
mod layer;
mod owner;
mod policy;
mod scope;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use prost::{Message, Name};
use prost_reflect::DescriptorPool;
use proto::options::v1::{Access, Policy, Role};
use tonic::{Request, Status};
use uuid::Uuid;

pub use self::{
    layer::{AccessLayer, Enforced, bearer},
    policy::time_limit,
};
use self::{
    policy::{has_role, policy_of},
    scope::Standing,
};
use crate::{
    fatal::Fatal,
    idempotency::Repeatable,
    rules::Rules,
    status::{self, Reason},
    token::Claims,
};

/// The proof that a request passed its method's access rule.
///
/// [`admit`] hands it to handlers together with the checked message; there is no
/// other way to get one, and identity comes from nowhere else.
#[derive(Clone, Debug)]
pub struct Caller {
    claims: Option<Arc<Claims>>,
    access: Access,
    override_role: Role,
    request: Option<Repeatable>,
    has_ended: bool,
}

/// The rules of the contract: who may call a method, and what its fields must be.
#[derive(Clone, Debug)]
pub struct Contract {
    policies: Arc<HashMap<String, Policy>>,
    rules: Rules,
}

/// What the layer leaves for the handler.
#[derive(Clone, Debug)]
struct Admission {
    caller: Caller,
    rules: Rules,
    /// The idempotency key, and the method that it counts for.
    key: Option<(String, String)>,
}

/// Takes a request that passed the [`AccessLayer`] and checks its fields.
pub fn admit<T: Message + Name>(request: Request<T>) -> Result<(Caller, T), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let Some(admission) = extensions.remove::<Admission>() else {
        return Err(status::refuse(Reason::NOT_YOURS));
    };
    let violations = admission.rules.check(&message);
    if !violations.is_empty() {
        return Err(status::invalid(violations));
    }
    let mut caller = admission.caller;
    caller.request = admission.key.map(|(key, method)| {
        Repeatable::new(key, &method, caller.user_id(), &message.encode_to_vec())
    });
    Ok((caller, message))
}

// === impl Caller ===

impl Caller {
    /// The signed-in user.
    pub fn user_id(&self) -> Option<Uuid> {
        self.claims.as_ref().map(|claims| claims.sub)
    }

    /// The session the caller is signed in with.
    pub fn session_id(&self) -> Option<Uuid> {
        self.claims.as_ref().map(|claims| claims.sid)
    }

    /// The request itself, if it has an idempotency key: it is to be done once.
    pub fn request(&self) -> Option<&Repeatable> {
        self.request.as_ref()
    }

    /// The signed-in user, where the access rule asked for one. The account of a
    /// machine is no user and owns nothing: it may do only what its rank lets it do to
    /// what others own.
    pub fn user(&self) -> Result<Uuid, Status> {
        let claims = self.claims.as_ref();
        let claims = claims.ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))?;
        let is_nobody = claims.is_machine() && !self.may_override();
        if is_nobody { Err(status::refuse(Reason::NOT_YOURS)) } else { Ok(claims.sub) }
    }

    /// Resolves the user that a request names: an id, or `me`.
    ///
    /// Anything that is not an id names nobody.
    pub fn resolve(&self, user_id: &str) -> Result<Uuid, Status> {
        match user_id {
            "me" => self.user(),
            id => Uuid::try_parse(id).map_err(|_nobody| status::not_found("user")),
        }
    }

    /// Checks that the caller may act for the user that a request names, and
    /// returns that user. Whether the user exists is not told to others.
    pub fn acting_for(&self, user_id: &str) -> Result<Uuid, Status> {
        let signed_in = self.claims.as_ref();
        let claims = signed_in.ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))?;
        let owner = self.resolve(user_id);
        let is_own = |owner: Uuid| owner == claims.sub && !claims.is_machine();
        match owner {
            Ok(owner) if is_own(owner) || self.may_override() => Ok(owner),
            Err(nobody) if self.may_override() => Err(nobody),
            Ok(_) | Err(_) => Err(status::refuse(Reason::NOT_YOURS)),
        }
    }

    /// Whether the caller's rank lets them do this to what others own.
    pub fn may_override(&self) -> bool {
        self.access == Access::Self_
            && self.override_role != Role::Unspecified
            && self.claims.as_ref().is_some_and(|claims| has_role(claims, self.override_role))
    }
}

// === impl Contract ===

impl Contract {
    /// Reads the rules; a method without an access rule is an error.
    pub fn read() -> Result<Self, Fatal> {
        Self::read_from(proto::DESCRIPTORS)
    }

    /// Reads the rules of other descriptors.
    pub fn read_from(descriptors: &[u8]) -> Result<Self, Fatal> {
        let unusable = |error: &dyn ToString| Fatal::Contract(error.to_string());
        let pool = DescriptorPool::decode(descriptors).map_err(|error| unusable(&error))?;
        let mut policies = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let policy = policy_of(&pool, &method)
                    .ok_or_else(|| Fatal::Contract(format!("{path} has no access rule")))?;
                if policy.cache_seconds > 0 && policy.access() != Access::Public {
                    let problem = "must not be kept: not everybody may see its answers";
                    return Err(Fatal::Contract(format!("{path} {problem}")));
                }
                policies.insert(path, policy);
            }
        }
        let rules = Rules::read(&pool).map_err(|error| unusable(&error))?;
        Ok(Self { policies: Arc::new(policies), rules })
    }

    /// The policy of a method, by its gRPC path; its class and its criticality are
    /// never left open.
    pub fn policy(&self, path: &str) -> Option<&Policy> {
        self.policies.get(path)
    }

    /// The rules of its fields.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Decides on a call by somebody whose token was verified, or who sent none.
    fn admit(&self, policy: &Policy, claims: Option<Arc<Claims>>) -> Result<Admission, Status> {
        let access = policy.access();
        let standing = claims.as_deref().map(|claims| scope::check(policy, claims)).transpose()?;
        let claims = claims.filter(|_| standing != Some(Standing::Anyone));
        let is_allowed = match (access, claims.as_deref()) {
            (Access::Public, _) | (Access::User | Access::Self_, Some(_)) => true,
            (_, None) => return Err(status::refuse(Reason::SIGN_IN_REQUIRED)),
            (Access::Editor, Some(claims)) => has_role(claims, Role::Editor),
            (Access::Admin, Some(claims)) => has_role(claims, Role::Admin),
            (Access::Service, Some(claims)) => claims.is_service(),
            (Access::Unspecified, Some(_)) => false,
        };
        if !is_allowed {
            return Err(status::refuse(Reason::ROLE_REQUIRED));
        }
        fresh::check(policy, claims.as_deref(), Timestamp::now())?;
        let caller = Caller {
            claims,
            access,
            override_role: policy.override_role(),
            request: None,
            has_ended: false,
        };
        Ok(Admission { caller, rules: self.rules.clone(), key: None })
    }
}

#[cfg(test)]
impl Contract {
    /// One method with a policy.
    pub(crate) fn of_one(path: &str, policy: Policy) -> Self {
        let policies = Arc::new(HashMap::from([(path.to_owned(), policy)]));
        Self { policies, ..Self::read().unwrap() }
    }
}

#[cfg(test)]
mod tests;
