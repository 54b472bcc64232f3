//! Every method of the contract, tried by every kind of caller on their own and
//! on other people's things, over gRPC and over REST.
//!
//! What must happen follows from the policy in the contract alone. A check that
//! somebody forgets fails here, and so does a new method without one.

mod cast;
pub(crate) mod requests;

use std::collections::BTreeSet;

use cast::{Cast, Kind};
use futures_util::{StreamExt as _, stream};
use proto::options::v1::{Access, Policy, Role};
use requests::{Outcome, Target};
use tests::{
    Stack,
    contract::{Method, methods, pool},
};

/// As many at once keep both cores busy.
const AT_ONCE: usize = 8;

/// What the policy says about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It passes; what the service then does is not this test's business.
    Passes,
    /// The caller must sign in first, or again.
    Unauthenticated,
    /// Not for them, or they may not even know that it is there.
    Refused,
}

/// One try.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    method: &'a Method,
    kind: Kind,
    target: Target,
}

// === impl Case ===

impl Case<'_> {
    fn verdict(&self) -> Verdict {
        let policy = self.method.policy.as_ref().expect("tidy has looked");
        match self.kind {
            Kind::Tampered | Kind::Expired => Verdict::Unauthenticated,
            Kind::Anonymous if policy.access() != Access::Public => Verdict::Unauthenticated,
            _ if self.is_hidden() => Verdict::Refused,
            // Where its scopes do not reach, a machine is a stranger to those who
            // answer strangers, and refused by all others.
            Kind::Narrow if policy.access() == Access::Public => Verdict::Passes,
            Kind::Narrow => Verdict::Refused,
            Kind::Machine if policy.scope.is_empty() && policy.access() != Access::Public => {
                Verdict::Refused
            }
            _ if self.is_allowed(policy) => Verdict::Passes,
            _ => Verdict::Refused,
        }
    }

    /// What the token of a machine may be used for.
    fn scope(&self) -> String {
        let needed = self.method.policy.as_ref().map_or("", |policy| &policy.scope);
        let has = |scope: &&String| self.kind == Kind::Machine || *scope != needed;
        scopes().iter().filter(has).cloned().collect::<Vec<_>>().join(" ")
    }

    /// A draft does not exist for anybody but its author.
    fn is_hidden(&self) -> bool {
        self.target == Target::Hidden
    }

    fn is_allowed(&self, policy: &Policy) -> bool {
        match policy.access() {
            Access::Public => true,
            Access::User => self.kind != Kind::Anonymous,
            Access::Self_ => self.target == Target::Own || self.kind.has(policy.override_role()),
            Access::Editor => self.kind.has(Role::Editor),
            Access::Admin => self.kind.has(Role::Admin),
            Access::Service => self.kind == Kind::Service,
            Access::Unspecified => false,
        }
    }
}

/// Every scope of the contract.
fn scopes() -> BTreeSet<String> {
    let policies = methods(&pool()).into_iter().filter_map(|method| method.policy);
    policies.map(|policy| policy.scope).filter(|scope| !scope.is_empty()).collect()
}

fn cases(methods: &[Method]) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for method in methods {
        for kind in Kind::ALL {
            let targets = Target::of(method, kind);
            cases.extend(targets.into_iter().map(|target| Case { method, kind, target }));
        }
    }
    cases
}

/// Tries a case over every road, each on new things, because some are destroyed.
async fn problems(cast: &Cast, case: Case<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    let direct = requests::direct(cast, case).await;
    problems.extend(wrong("gRPC", case, &direct));
    for route in &case.method.routes {
        let road = format!("{} {}", route.verb, route.template);
        let outcome = requests::with_header(cast, case, route).await;
        problems.extend(wrong(&road, case, &outcome));
        if outcome.reason != direct.reason && !outcome.is_about_shape(&direct) {
            problems.push(format!("{case} said {direct:?} over gRPC and {outcome:?} over {road}"));
        }
        // To the gateway a cookie that is not good is no cookie.
        let is_dead = matches!(case.kind, Kind::Tampered | Kind::Expired);
        let as_whom = if is_dead { Case { kind: Kind::Anonymous, ..case } } else { case };
        let outcome = requests::with_cookie(cast, case, route).await;
        problems.extend(wrong(&format!("{road} with a cookie"), as_whom, &outcome));
    }
    problems
}

fn wrong(road: &str, case: Case<'_>, outcome: &Outcome) -> Option<String> {
    let (expected, found) = (case.verdict(), outcome.verdict());
    let is_right = expected == found && !outcome.is_fault;
    (!is_right).then(|| format!("{case}: {expected:?} expected, {outcome:?} over {road}"))
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {:?} on {:?}", self.method.name(), self.kind, self.target)
    }
}

#[tokio::test]
async fn nobody_calls_what_the_contract_does_not_let_them() {
    let stack = Stack::whole().await;
    let cast = Cast::of(&stack).await;
    let methods = methods(&pool());
    let cases = cases(&methods);
    assert!(cases.len() > 15 * methods.len() / 2, "only {} cases", cases.len());
    let tries = stream::iter(cases).map(|case| problems(&cast, case)).buffer_unordered(AT_ONCE);
    let problems: Vec<_> = tries.concat().await;
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn the_verdicts_follow_the_policy() {
    use Verdict::{Passes, Refused, Unauthenticated};

    let methods = methods(&pool());
    let verdict = |name: &str, kind, target| {
        let method = methods.iter().find(|method| method.name().ends_with(name)).unwrap();
        Case { method, kind, target }.verdict()
    };
    for (name, kind, target, expected) in [
        ("/GetUser", Kind::Anonymous, Target::Other, Unauthenticated),
        ("/GetUser", Kind::User, Target::Own, Passes),
        ("/GetUser", Kind::User, Target::Other, Refused),
        ("/GetUser", Kind::Editor, Target::Other, Refused),
        ("/GetUser", Kind::Admin, Target::Other, Passes),
        ("/ListUsers", Kind::User, Target::Nothing, Refused),
        ("/CreatePost", Kind::Admin, Target::Other, Refused),
        ("/DeletePost", Kind::Editor, Target::Other, Passes),
        ("/DeletePost", Kind::Admin, Target::Hidden, Refused),
        ("/GetPost", Kind::Anonymous, Target::Other, Passes),
        ("/GetPost", Kind::Expired, Target::Other, Unauthenticated),
        ("/UpdatePost", Kind::Service, Target::Other, Refused),
        ("/UpdatePost", Kind::Machine, Target::Own, Passes),
        ("/UpdatePost", Kind::Machine, Target::Other, Refused),
        ("/UpdatePost", Kind::Narrow, Target::Own, Refused),
        ("/GetPost", Kind::Narrow, Target::Other, Passes),
        ("/CreateSession", Kind::Machine, Target::Nothing, Passes),
        ("/GetSession", Kind::Machine, Target::Own, Refused),
        ("/CreateApiKey", Kind::Machine, Target::Own, Refused),
        ("/DeleteFactor", Kind::Admin, Target::Other, Refused),
        ("/RegenerateRecoveryCodes", Kind::Admin, Target::Other, Refused),
        ("/ExportUser", Kind::Admin, Target::Other, Refused),
    ] {
        assert_eq!(verdict(name, kind, target), expected, "{name} {kind:?} {target:?}");
    }
}

/// What keys can be made for is what methods ask for: one more in either list would
/// be a promise that nobody keeps.
#[test]
fn keys_can_be_made_for_every_scope_of_the_contract_and_for_no_other() {
    let rules = pool();
    for message in ["CreateApiKeyRequest", "CreateServiceAccountKeyRequest"] {
        let name = format!("mainstay.auth.v1.{message}");
        let field = rules.get_message_by_name(&name).unwrap().get_field_by_name("scopes").unwrap();
        let pattern = tests::contract::rules(&field).unwrap().to_string();
        let words = pattern.split(|c: char| !c.is_ascii_lowercase() && c != '.' && c != '\\');
        let named = words.filter(|word| word.contains('.')).map(|word| word.replace('\\', ""));
        assert_eq!(named.collect::<BTreeSet<_>>(), scopes(), "{pattern}");
    }
}
