//! Requests made from descriptors, and what came of them.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind as FieldKind, MessageDescriptor, Value};
use serde_json::json;
use tests::{
    Call, Rest,
    contract::{Method, Route, header, is_credential, rules},
};
use uuid::Uuid;

use super::{
    Case, Verdict,
    cast::{Cast, Kind, Owner},
};

/// Whose things a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The request names nothing that somebody owns.
    Nothing,
    /// The caller's own.
    Own,
    /// What somebody else has, and others may know of.
    Other,
    /// What somebody else has, and nobody else may know of.
    Hidden,
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The reason of a refusal; empty if there was none.
    pub(super) reason: String,
    /// The service failed rather than refused.
    pub(super) is_fault: bool,
}

/// Names of fields that say whose things a request is about. A new kind of thing
/// needs a line here and one in [`id`].
const IDS: [&str; 8] = [
    "user_id",
    "user_ids",
    "post_id",
    "session_id",
    "api_key_id",
    "service_account_id",
    "factor_id",
    "identity_id",
];

// === impl Target ===

impl Target {
    /// What a method can be tried on by a kind of caller.
    pub(super) fn of(method: &Method, kind: Kind) -> Vec<Self> {
        if !IDS.iter().any(|id| method.takes(id)) {
            return vec![Self::Nothing];
        }
        // A service owns nothing, and a stranger is nobody.
        let owns = !matches!(kind, Kind::Anonymous | Kind::Service);
        let mut targets = vec![Self::Other];
        targets.extend(owns.then_some(Self::Own));
        targets.extend(method.takes("post_id").then_some(Self::Hidden));
        targets
    }
}

// === impl Outcome ===

impl Outcome {
    /// What became of the call as far as access goes. Wrong passwords and the
    /// like are the method's own business.
    pub(super) fn verdict(&self) -> Verdict {
        match self.reason.as_str() {
            "SIGN_IN_REQUIRED" | "TOKEN_INVALID" | "TOKEN_EXPIRED" => Verdict::Unauthenticated,
            "NOT_YOURS" | "ROLE_REQUIRED" | "SCOPE_REQUIRED" | "NOT_FOUND" => Verdict::Refused,
            _ => Verdict::Passes,
        }
    }

    /// Whether both roads refuse what a request looks like, each in its words.
    pub(super) fn is_about_shape(&self, other: &Self) -> bool {
        let shapes = ["INVALID_FIELDS", "INVALID_PARAMETER", "SESSION_ENDED"];
        [self, other].iter().all(|it| shapes.contains(&it.reason.as_str()))
    }
}

/// Calls the service.
pub(super) async fn direct(cast: &Cast, case: Case<'_>) -> Outcome {
    let (caller, message) = prepare(cast, case).await;
    let token = cast.token(case.kind, &caller, &case.scope());
    match tests::call(&cast.grpc, &case.method.descriptor, &message, &token).await {
        Ok(_) => Outcome { reason: String::new(), is_fault: false },
        Err(status) => Outcome {
            reason: tests::reason(&status),
            is_fault: tests::reason(&status).is_empty()
                || ["INTERNAL", "UNAVAILABLE"].contains(&&*tests::reason(&status)),
        },
    }
}

/// Sends the request to the gateway, the token in a header.
pub(super) async fn with_header(cast: &Cast, case: Case<'_>, route: &Route) -> Outcome {
    let (caller, message) = prepare(cast, case).await;
    // With a jar of its own: whoever impersonates is given cookies.
    let call = call(&cast.rest.copy(), route, &message);
    let token = cast.token(case.kind, &caller, &case.scope());
    outcome(if token.is_empty() { call } else { call.bearer(&token) }).await
}

/// Sends the request to the gateway, the token in a cookie.
pub(super) async fn with_cookie(cast: &Cast, case: Case<'_>, route: &Route) -> Outcome {
    let (caller, message) = prepare(cast, case).await;
    let rest = cast.rest.copy();
    let token = cast.token(case.kind, &caller, &case.scope());
    rest.set_cookie("__Host-access", Some(&token).filter(|it| !it.is_empty()).map(String::as_str));
    outcome(call(&rest, route, &message)).await
}

async fn outcome(call: Call) -> Outcome {
    let answer = call.send().await;
    let reason = answer.body["code"].as_str().unwrap_or_default().to_owned();
    Outcome { reason, is_fault: answer.status >= 500 }
}

/// A message as the REST API has it: in the path, and the rest in the body or
/// the query.
pub(crate) fn call(rest: &Rest, route: &Route, message: &DynamicMessage) -> Call {
    let (path, mut used) = route.path(message);
    let mut headers = Vec::new();
    for (field, value) in message.fields() {
        if let Some(header) = header(&field) {
            // Tags are quoted there.
            headers.push((header, format!("\"{}\"", value.as_str().unwrap())));
            used.push(field.name().to_owned());
        }
    }
    let with_headers =
        |call: Call| headers.iter().fold(call, |call, (name, value)| call.header(name, value));
    let left = message
        .fields()
        .filter(|(field, _)| !used.contains(&field.name().to_owned()) && !is_credential(field));
    let left: Vec<_> = left.map(|(field, value)| (field.clone(), value.clone())).collect();
    if route.body == "*" {
        let members =
            left.iter().map(|(field, value)| (field.json_name().to_owned(), as_json(value)));
        let body = json!(members.collect::<serde_json::Map<_, _>>());
        return with_headers(rest.call(&route.verb, &path).json(&body));
    }
    let pairs = left.iter().flat_map(|(field, value)| query(field, value));
    let query = pairs.collect::<Vec<_>>().join("&");
    let target = if query.is_empty() { path } else { format!("{path}?{query}") };
    with_headers(rest.call(&route.verb, &target))
}

/// A new caller, and a message about what the case is about.
async fn prepare(cast: &Cast, case: Case<'_>) -> (Owner, DynamicMessage) {
    let caller = cast.owner(case.kind).await;
    let other = cast.owner(Kind::User).await;
    let owner = if case.target == Target::Own { &caller } else { &other };
    let mut message = DynamicMessage::new(case.method.descriptor.input());
    for field in case.method.descriptor.input().fields() {
        if let Some(inner) = json_object(&field) {
            message.set_field(&field, Value::Message(DynamicMessage::new(inner)));
            continue;
        }
        let value = match field.name() {
            "post_id" => cast.post(owner, case.target != Target::Hidden).await,
            "api_key_id" => cast.api_key(owner).await,
            "service_account_id" => cast.service_account().await,
            "factor_id" => cast.factor(owner).await,
            name if IDS.contains(&name) => id(name, owner),
            _ => match made_up(&field) {
                Some(text) => text,
                None => continue,
            },
        };
        let value = Value::String(value);
        let value = if field.is_list() { Value::List(vec![value]) } else { value };
        message.set_field(&field, value);
    }
    (caller, message)
}

fn id(name: &str, owner: &Owner) -> String {
    match name {
        "user_id" | "user_ids" => owner.user_id.clone(),
        "session_id" => owner.session_id.clone(),
        "identity_id" => owner.identity_id.clone(),
        other => panic!("whose is {other}? add it here"),
    }
}

/// What a field holds that is any JSON object.
pub(crate) fn json_object(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    let inner = field.kind().as_message().cloned()?;
    (inner.full_name() == "google.protobuf.Struct").then_some(inner)
}

/// A text that obeys the rules of a field; none for a field that may be absent.
pub(crate) fn made_up(field: &FieldDescriptor) -> Option<String> {
    let is_id = field.name().ends_with("_id") || field.name().ends_with("_ids");
    assert!(!is_id, "whose is {}? add it to IDS", field.full_name());
    let has_rules = rules(field).is_some() || is_credential(field);
    if field.kind() != FieldKind::String || field.supports_presence() || !has_rules {
        return None;
    }
    let unique = Uuid::now_v7().simple().to_string();
    match field.name() {
        "code" if field.full_name() == "mainstay.auth.v1.ConfirmTotpRequest.code" => {
            Some("123456".to_owned())
        }
        "email" => Some(format!("{unique}@example.com")),
        "page_token" => None,
        "provider" => Some("acme".to_owned()),
        "return_path" => Some("/".to_owned()),
        "scopes" => Some("posts.read".to_owned()),
        "roles" => Some("editor".to_owned()),
        // Of the names that there are rules for, all may begin with a letter.
        _ => Some(format!("x{unique}")),
    }
}

fn as_json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => json!(text),
        Value::List(values) => values.iter().map(as_json).collect(),
        Value::Message(message) => serde_json::to_value(message).unwrap(),
        other => panic!("no JSON for {other:?}"),
    }
}

fn query(field: &FieldDescriptor, value: &Value) -> Vec<String> {
    let values = value.as_list().map_or_else(|| vec![value.clone()], <[Value]>::to_vec);
    let pair = |value: &Value| format!("{}={}", field.json_name(), value.as_str().unwrap());
    values.iter().map(pair).collect()
}
