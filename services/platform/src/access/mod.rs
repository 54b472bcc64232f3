//! Who may call what, read from the contract and enforced before any handler.

mod layer;
mod policy;

use std::{collections::HashMap, sync::Arc};

use prost::{Message, Name};
use prost_reflect::DescriptorPool;
use proto::options::v1::{Access, Policy, Role};
use tonic::{Request, Status};
use uuid::Uuid;

use self::policy::{has_role, policy_of};
pub use self::{
    layer::{AccessLayer, Enforced, bearer},
    policy::time_limit,
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

    /// The signed-in user, where the access rule asked for one.
    pub fn user(&self) -> Result<Uuid, Status> {
        self.user_id().ok_or_else(|| status::refuse(Reason::SIGN_IN_REQUIRED))
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
        let caller = self.user()?;
        let owner = self.resolve(user_id);
        match owner {
            Ok(owner) if owner == caller || self.may_override() => Ok(owner),
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
        let is_allowed = match (access, claims.as_deref()) {
            (Access::Public, _) | (Access::User | Access::Self_, Some(_)) => true,
            (_, None) => return Err(status::refuse(Reason::SIGN_IN_REQUIRED)),
            (Access::Editor, Some(claims)) => has_role(claims, Role::Editor),
            (Access::Admin, Some(claims)) => has_role(claims, Role::Admin),
            (Access::Service, Some(claims)) => claims.roles.iter().any(|role| role == "service"),
            (Access::Unspecified, Some(_)) => false,
        };
        if !is_allowed {
            return Err(status::refuse(Reason::ROLE_REQUIRED));
        }
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
mod tests {
    use prost_reflect::prost_types::FileDescriptorSet;
    use proto::options::v1::{Criticality, RateClass};

    use super::*;

    #[test]
    fn a_contract_without_an_access_rule_is_refused() {
        Contract::read().unwrap();
        // prost drops extension options: what is left is a contract without rules.
        let stripped = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap().encode_to_vec();
        let error = Contract::read_from(&stripped).unwrap_err().to_string();
        assert!(error.contains("has no access rule"), "{error}");
    }

    fn claims(roles: &[&str]) -> Arc<Claims> {
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

    #[test]
    fn what_a_policy_leaves_open_follows_from_what_its_method_does() {
        let contract = Contract::read().unwrap();
        for (path, class, criticality) in [
            ("content.v1.PostService/GetPost", RateClass::Read, Criticality::SheddablePlus),
            ("content.v1.PostService/CreatePost", RateClass::Write, Criticality::Critical),
            ("auth.v1.SessionService/CreateSession", RateClass::SignIn, Criticality::Critical),
            ("auth.v1.SessionService/RefreshSession", RateClass::Write, Criticality::CriticalPlus),
            ("auth.v1.KeyService/GetKeySet", RateClass::Read, Criticality::CriticalPlus),
        ] {
            let policy = contract.policy(&format!("/mainstay.{path}")).unwrap();
            assert_eq!((policy.rate_class(), policy.criticality()), (class, criticality), "{path}");
        }
    }

    #[test]
    fn every_access_rule_admits_exactly_those_it_names() {
        let contract = Contract::read().unwrap();
        let callers =
            [None, Some(&[][..]), Some(&["editor"][..]), Some(&["admin"]), Some(&["service"])];
        let expected = [
            (Access::Public, [true, true, true, true, true]),
            (Access::User, [false, true, true, true, true]),
            (Access::Self_, [false, true, true, true, true]),
            (Access::Editor, [false, false, true, true, false]),
            (Access::Admin, [false, false, false, true, false]),
            (Access::Service, [false, false, false, false, true]),
            (Access::Unspecified, [false, false, false, false, false]),
        ];
        for (access, expected) in expected {
            let policy = Policy { access: access.into(), ..Policy::default() };
            let admitted = callers.map(|roles| contract.admit(&policy, roles.map(claims)).is_ok());
            assert_eq!(admitted, expected, "{access:?}");
        }
    }

    #[test]
    fn others_are_acted_for_with_the_overriding_rank_only() {
        let caller = |roles: &[&str], role| Caller {
            claims: Some(claims(roles)),
            access: Access::Self_,
            override_role: role,
            request: None,
            has_ended: false,
        };
        let other = Uuid::now_v7().to_string();
        let user = caller(&[], Role::Admin);
        assert_eq!(user.acting_for("me").unwrap(), user.user_id().unwrap());
        let own = user.user_id().unwrap().to_string();
        user.acting_for(&own).unwrap();
        for name in [&*other, "nonsense", ""] {
            let code = user.acting_for(name).unwrap_err().code();
            assert_eq!(code, tonic::Code::PermissionDenied, "{name}");
        }
        caller(&["admin"], Role::Admin).acting_for(&other).unwrap();
        caller(&["admin"], Role::Editor).acting_for(&other).unwrap();
        caller(&["editor"], Role::Editor).acting_for(&other).unwrap();
        caller(&["editor"], Role::Admin).acting_for(&other).unwrap_err();
        caller(&["admin"], Role::Unspecified).acting_for(&other).unwrap_err();
    }
}
