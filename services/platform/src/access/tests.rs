//! Who is admitted.

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
    Arc::new(Claims::of_roles(roles))
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

#[test]
fn machines_own_nothing_and_are_nobody() {
    for role in ["service", "machine"] {
        let machine = Caller {
            claims: Some(claims(&[role, "editor"])),
            access: Access::Self_,
            override_role: Role::Editor,
            request: None,
            has_ended: false,
        };
        let own = machine.user_id().unwrap().to_string();
        let other = Uuid::now_v7().to_string();
        machine.acting_for(&other).unwrap();
        let plain = Caller { override_role: Role::Unspecified, ..machine };
        plain.user().unwrap_err();
        for name in ["me", &own, &other] {
            plain.acting_for(name).unwrap_err();
        }
    }
}

#[test]
fn a_machine_is_a_stranger_where_its_scopes_do_not_reach() {
    let contract = Contract::read().unwrap();
    let admit = |path: &str, scope: &str| {
        let claims = Claims { scope: Some(scope.to_owned()), ..Claims::of_roles(&[]) };
        let policy = contract.policy(&format!("/mainstay.{path}")).unwrap();
        contract.admit(policy, Some(Arc::new(claims))).unwrap().caller.user_id()
    };
    assert_eq!(admit("content.v1.PostService/GetPost", "users.read"), None);
    assert!(admit("content.v1.PostService/GetPost", "posts.read").is_some());
    assert_eq!(admit("auth.v1.UserService/BatchGetProfiles", "users.read"), None);
}
