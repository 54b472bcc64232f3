//! What the gateway has to know of a method, whatever routes lead to it.

use std::{collections::HashSet, time::Duration};

use http::uri::PathAndQuery;
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

use super::{
    header::{self, HeaderField},
    shape::{self, Answers, Sends},
};

/// What a stream of requests may have unless its policy says otherwise.
const USUAL_UPLOAD_BYTES: u64 = 1024 * 1024;

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
    /// How many bytes a stream of requests may have together.
    pub(crate) max_upload_bytes: u64,
    /// What a client sends.
    pub(crate) sends: Sends,
    /// What a client gets.
    pub(crate) answers: Answers,
    /// Fields of the request that are filled from cookies.
    pub(crate) takes: Vec<CredentialField>,
    /// Fields of the reply that are moved into cookies.
    pub(crate) gives: Vec<CredentialField>,
    /// Fields of the request that are filled from headers.
    pub(crate) headers: Vec<HeaderField>,
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
        let sends = shape::sends(&method).map_err(unusable)?;
        let answers = shape::answers(&method).map_err(unusable)?;
        let policy = contract.policy(&path).ok_or_else(|| unusable("has no access rule"))?;
        let takes = credentials(&method.input()).map_err(|problem| unusable(&problem))?;
        let gives = credentials(&method.output()).map_err(|problem| unusable(&problem))?;
        if gives.iter().any(|credential| !credential.field.supports_presence()) {
            return Err(unusable("gives a credential that is not optional"));
        }
        if answers != Answers::Message && !gives.is_empty() {
            return Err(unusable("gives a credential in a stream or a file"));
        }
        let headers = header::fields(&method.input()).map_err(|problem| unusable(&problem))?;
        let options = method.method_descriptor_proto().options.as_ref();
        let level = options.map(MethodOptions::idempotency_level).unwrap_or_default();
        Ok(Self {
            path: path.parse().map_err(|_malformed| unusable("is not a path"))?,
            is_public: policy.access() == Access::Public,
            max_upload_bytes: match policy.max_upload_bytes {
                0 => USUAL_UPLOAD_BYTES,
                bytes => bytes.into(),
            },
            sends,
            answers,
            headers,
            cache_seconds: policy.cache_seconds,
            has_side_effects: level != IdempotencyLevel::NoSideEffects,
            is_idempotent: level != IdempotencyLevel::IdempotencyUnknown,
            rate_class: policy.rate_class(),
            criticality: policy.criticality(),
            time_limit: time_limit(policy),
            takes,
            gives,
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
        self.takes_refresh() && self.gives.iter().any(CredentialField::is_refresh)
    }

    /// Whether the secret inside its request says who calls.
    pub(crate) fn takes_refresh(&self) -> bool {
        self.takes.iter().any(CredentialField::is_refresh)
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
    fn is_refresh(&self) -> bool {
        self.kind == CredentialKind::Refresh
    }

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
