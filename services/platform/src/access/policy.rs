//! The rules of one method, as the contract has them and with nothing left open.

use std::time::Duration;

use prost::Message;
use prost_reflect::{
    DescriptorPool, MethodDescriptor, Value,
    prost_types::{MethodOptions, method_options::IdempotencyLevel},
};
use proto::options::v1::{Access, Criticality, Policy, RateClass, Role};

use crate::{token::Claims, upstream::DEFAULT_DEADLINE};

/// How long a method may take that is sent a stream: as long as the slowest sender.
const UPLOAD_SECONDS: u32 = 3_600;

/// Reads a method's policy; none if it has none or leaves its access open.
pub(super) fn policy_of(pool: &DescriptorPool, method: &MethodDescriptor) -> Option<Policy> {
    let extension = pool.get_extension_by_name("mainstay.options.v1.policy")?;
    let options = method.options();
    let Value::Message(policy) = &*options.get_extension(&extension) else { return None };
    let policy = Policy::decode(policy.encode_to_vec().as_slice()).ok()?;
    (policy.access() != Access::Unspecified).then(|| explicit(policy, method))
}

/// Fills in what a policy leaves to what its method does.
fn explicit(mut policy: Policy, method: &MethodDescriptor) -> Policy {
    let descriptor = method.method_descriptor_proto();
    let level = descriptor.options.as_ref().map(MethodOptions::idempotency_level);
    let (class, criticality) = match level {
        Some(IdempotencyLevel::NoSideEffects) => (RateClass::Read, Criticality::SheddablePlus),
        _ => (RateClass::Write, Criticality::Critical),
    };
    if policy.rate_class() == RateClass::Unspecified {
        policy.set_rate_class(class);
    }
    if policy.criticality() == Criticality::Unspecified {
        policy.set_criticality(criticality);
    }
    if policy.timeout_seconds == 0 && method.is_client_streaming() {
        policy.timeout_seconds = UPLOAD_SECONDS;
    }
    policy
}

/// How long a call of a method may take.
pub fn time_limit(policy: &Policy) -> Duration {
    match policy.timeout_seconds {
        0 => DEFAULT_DEADLINE,
        seconds => Duration::from_secs(seconds.into()),
    }
}

/// Whether a user has a rank, or a higher one.
pub(super) fn has_role(claims: &Claims, role: Role) -> bool {
    let has = |name: &str| claims.roles.iter().any(|has| has == name);
    match role {
        Role::Admin => has("admin"),
        Role::Editor => has("editor") || has("admin"),
        Role::Unspecified => false,
    }
}
