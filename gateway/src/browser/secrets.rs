//! Secrets between encoded messages and cookies.

use bytes::{Bytes, BytesMut};
use platform::status::{self, Reason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::{
    credentials::Identity,
    route::{CredentialField, Rpc},
    transcode::Issued,
    wire::{self, Malformed, Value},
};

/// Adds the secrets that cookies hold. A message that has one already is refused, as
/// it is in JSON: where secrets come from is not the page's to choose.
pub(super) fn add(rpc: &Rpc, identity: &Identity, message: Bytes) -> Result<Bytes, Status> {
    for field in wire::fields(&message) {
        let number = field.map_err(|_malformed| malformed())?.number;
        let taken = rpc.takes.iter().find(|taken| taken.field.number() == number);
        if let Some(taken) = taken {
            return Err(not_yours(taken));
        }
    }
    let secrets = rpc.takes.iter().filter_map(|taken| Some((taken, identity.secret(taken.kind)?)));
    let mut secrets = secrets.peekable();
    if secrets.peek().is_none() {
        return Ok(message);
    }
    let mut longer = BytesMut::from(message);
    for (taken, secret) in secrets {
        wire::append(&mut longer, taken.field.number(), secret.as_bytes());
    }
    Ok(longer.freeze())
}

/// Takes the secrets out of a reply; what is left is safe for scripts to see.
pub(super) fn take(rpc: &Rpc, message: &Bytes) -> Result<(Bytes, Vec<Issued>), Malformed> {
    if rpc.gives.is_empty() {
        return Ok((message.clone(), Vec::new()));
    }
    let mut cut = Vec::new();
    let mut issued: Vec<Issued> = Vec::new();
    for field in wire::fields(message) {
        let field = field?;
        let given = rpc.gives.iter().find(|given| given.field.number() == field.number);
        let Some(given) = given else { continue };
        cut.push(field.place);
        let Value::Bytes(secret) = field.value else { return Err(Malformed) };
        let value = str::from_utf8(secret).map_err(|_not_text| Malformed)?.to_owned();
        issued.retain(|earlier| earlier.kind != given.kind);
        issued.push(Issued { kind: given.kind, value, expires_at: expiry(message, given) });
    }
    Ok((wire::without(message, &cut), issued))
}

/// The seconds of the Timestamp beside a secret.
fn expiry(message: &[u8], given: &CredentialField) -> Option<i64> {
    const SECONDS: u32 = 1;
    let timestamp = wire::find(message, given.expires_at.as_ref()?.number())?;
    let fields = wire::fields(timestamp).map_while(Result::ok);
    let seconds = fields.filter(|field| field.number == SECONDS).last();
    match seconds.map(|field| field.value) {
        Some(Value::Varint(seconds)) => Some(seconds.cast_signed()),
        Some(Value::Bytes(_) | Value::Other) => None,
        None => Some(0),
    }
}

fn malformed() -> Status {
    status::refuse_because(Reason::MALFORMED_REQUEST, "the message is not an encoded message")
}

fn not_yours(taken: &CredentialField) -> Status {
    let reason = Reason::INVALID_FIELDS;
    let rule = "is filled from a cookie; leave it out";
    let mut details = ErrorDetails::with_error_info(reason.code, status::DOMAIN, []);
    let field = taken.field.name().to_owned();
    details.set_bad_request(vec![FieldViolation {
        field,
        description: rule.to_owned(),
        reason: "UNKNOWN_FIELD".to_owned(),
        localized_message: None,
    }]);
    let text = format!("{} {rule}", taken.field.name());
    Status::with_error_details(Code::InvalidArgument, text, details)
}
