//! What the gateway has to know of a method, whatever routes lead to it.

use std::{collections::HashSet, time::Duration};

use http::{HeaderName, uri::PathAndQuery};
use platform::{
    Fatal,
    access::{Contract, time_limit},
};
use prost::Message;
use prost_reflect::{
    DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value,
    prost_types::{MethodOptions, method_options::IdempotencyLevel},
};
pub(crate) use proto::options::v1::CredentialKind;
use proto::options::v1::{Access, Credential, Criticality, RateClass};

/// A method of a service.
#[derive(Debug)]
pub(crate) struct Rpc {
    /// `/mainstay.content.v1.PostService/GetPost`.
    pub(crate) path: PathAndQuery,
    /// Its descriptor.
    pub(crate) method: MethodDescriptor,
    /// Whether it may be called by anybody.
    pub(crate) is_public: bool,
    /// For how many seconds anybody may keep an answer.
    pub(crate) cache_seconds: u32,
    /// Whether a call may change anything.
    pub(crate) has_side_effects: bool,
    /// Whether calling it twice leaves the same behind as calling it once.
    pub(crate) is_idempotent: bool,
    /// Which budget it is taken from.
    pub(crate) rate_class: RateClass,
    /// When it is given up.
    pub(crate) criticality: Criticality,
    /// How long it may take.
    pub(crate) time_limit: Duration,
    /// Fields of the request that are filled from cookies.
    pub(crate) takes: Vec<CredentialField>,
    /// Fields of the reply that are moved into cookies.
    pub(crate) gives: Vec<CredentialField>,
    /// Fields of the request that are filled from headers.
    pub(crate) headers: Vec<HeaderField>,
}

/// A field that a header fills.
#[derive(Clone, Debug)]
pub(crate) struct HeaderField {
    /// The field.
    pub(crate) field: FieldDescriptor,
    /// The header.
    pub(crate) header: HeaderName,
}

/// A field that holds a secret.
#[derive(Clone, Debug)]
pub(crate) struct CredentialField {
    /// The field.
    pub(crate) field: FieldDescriptor,
    /// Which secret.
    pub(crate) kind: CredentialKind,
    /// The Timestamp beside it that says when it expires.
    pub(crate) expires_at: Option<FieldDescriptor>,
}

// === impl Rpc ===

impl Rpc {
    /// Reads a method and checks what the gateway relies on.
    pub(super) fn read(contract: &Contract, method: MethodDescriptor) -> Result<Self, Fatal> {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let unusable = |problem: &str| Fatal::Contract(format!("{path} {problem}"));
        if method.is_client_streaming() || method.is_server_streaming() {
            return Err(unusable("is a stream, which no route can carry yet"));
        }
        let policy = contract.policy(&path).ok_or_else(|| unusable("has no access rule"))?;
        let takes = credentials(&method.input()).map_err(|problem| unusable(&problem))?;
        let gives = credentials(&method.output()).map_err(|problem| unusable(&problem))?;
        if gives.iter().any(|credential| !credential.field.supports_presence()) {
            return Err(unusable("gives a credential that is not optional"));
        }
        let headers = headers(&method.input()).map_err(|problem| unusable(&problem))?;
        let options = method.method_descriptor_proto().options.as_ref();
        let level = options.map(MethodOptions::idempotency_level).unwrap_or_default();
        Ok(Self {
            path: path.parse().map_err(|_malformed| unusable("is not a path"))?,
            is_public: policy.access() == Access::Public,
            cache_seconds: policy.cache_seconds,
            has_side_effects: level != IdempotencyLevel::NoSideEffects,
            is_idempotent: level != IdempotencyLevel::IdempotencyUnknown,
            rate_class: policy.rate_class(),
            criticality: policy.criticality(),
            time_limit: time_limit(policy),
            takes,
            gives,
            headers,
            method,
        })
    }

    /// The package of its service.
    pub(crate) fn package(&self) -> &str {
        self.method.parent_service().package_name()
    }

    /// The fields of its request that the gateway fills from a cookie or a header.
    pub(super) fn filled(&self) -> impl Iterator<Item = &str> {
        let taken = self.takes.iter().map(|credential| credential.field.name());
        taken.chain(self.headers.iter().map(|header| header.field.name()))
    }

    /// Whether nothing of its reply is left once credentials are taken out.
    pub(crate) fn is_silent(&self) -> bool {
        self.method.output().fields().len() == self.gives.len()
    }

    /// Whether it exchanges a refresh token for new tokens.
    pub(crate) fn is_refresh(&self) -> bool {
        let is_refresh = |credential: &CredentialField| credential.kind == CredentialKind::Refresh;
        self.takes.iter().any(is_refresh) && self.gives.iter().any(is_refresh)
    }
}

/// The credentials of a message; one inside a message inside it could slip into
/// JSON, and is refused.
fn credentials(message: &MessageDescriptor) -> Result<Vec<CredentialField>, String> {
    let mut found = Vec::new();
    for field in message.fields() {
        match credential(message.parent_pool(), &field) {
            Some(credential) => found.push(CredentialField::read(message, field, &credential)?),
            None => refuse_deep(&field.kind(), &mut HashSet::new())?,
        }
    }
    Ok(found)
}

/// The fields of a request that headers fill.
fn headers(message: &MessageDescriptor) -> Result<Vec<HeaderField>, String> {
    let Some(option) = message.parent_pool().get_extension_by_name("mainstay.options.v1.header")
    else {
        return Ok(Vec::new());
    };
    let mut found: Vec<HeaderField> = Vec::new();
    for field in message.fields().filter(|field| field.options().has_extension(&option)) {
        let name = field.full_name();
        let options = field.options();
        let header = options.get_extension(&option);
        let header = header.as_str().unwrap_or_default().parse();
        let header: HeaderName =
            header.map_err(|_malformed| format!("has a field of no header: {name}"))?;
        if field.kind() != Kind::String || field.is_list() {
            return Err(format!("has a field of a header that is not a string: {name}"));
        }
        if found.iter().any(|other| other.header == header) {
            return Err(format!("has two fields of one header: {name}"));
        }
        found.push(HeaderField { field: field.clone(), header });
    }
    Ok(found)
}

fn refuse_deep(kind: &Kind, seen: &mut HashSet<String>) -> Result<(), String> {
    let Some(message) = kind.as_message() else { return Ok(()) };
    if !seen.insert(message.full_name().to_owned()) {
        return Ok(());
    }
    message.fields().try_for_each(|field| match credential(message.parent_pool(), &field) {
        Some(_) => Err(format!("has a credential inside a field: {}", field.full_name())),
        None => refuse_deep(&field.kind(), seen),
    })
}

fn credential(pool: &DescriptorPool, field: &FieldDescriptor) -> Option<Credential> {
    let extension = pool.get_extension_by_name("mainstay.options.v1.credential")?;
    let options = field.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let Value::Message(credential) = &*options.get_extension(&extension) else { return None };
    Credential::decode(credential.encode_to_vec().as_slice()).ok()
}

// === impl CredentialField ===

impl CredentialField {
    fn read(
        message: &MessageDescriptor,
        field: FieldDescriptor,
        credential: &Credential,
    ) -> Result<Self, String> {
        let name = field.full_name();
        if field.kind() != Kind::String || field.is_list() {
            return Err(format!("has a credential that is not a string: {name}"));
        }
        let kind = credential.kind();
        if kind == CredentialKind::Unspecified {
            return Err(format!("has a credential of no kind: {name}"));
        }
        let expires_at = match credential.expires_at.as_str() {
            "" => None,
            sibling => Some(timestamp(message, sibling).ok_or_else(|| {
                format!("has a credential whose expires_at is not a Timestamp beside it: {name}")
            })?),
        };
        Ok(Self { field, kind, expires_at })
    }
}

fn timestamp(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    let field = message.get_field_by_name(name)?;
    let kind = field.kind();
    let is_timestamp = kind.as_message()?.full_name() == "google.protobuf.Timestamp";
    (is_timestamp && !field.is_list()).then_some(field)
}
