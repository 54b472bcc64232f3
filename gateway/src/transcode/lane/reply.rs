//! A service's message as a JSON body, without its secrets.

use super::{
    super::{
        Issued, Reply,
        codec::{self, Stop},
    },
    Lane,
};
use crate::route::{CredentialField, Route};

// === impl Lane ===

impl Lane {
    /// Makes the body that a reply stands for, and takes the secrets out of it.
    pub(in super::super) fn reply(&self, route: &Route, message: &[u8]) -> Result<Reply, Stop> {
        let mut credentials = Vec::with_capacity(route.rpc.gives.len());
        for given in &route.rpc.gives {
            credentials.extend(issued(given, message)?);
        }
        let number = route.response_field.as_ref().map(prost_reflect::FieldDescriptor::number);
        let json = match number {
            Some(number) => self.codec.direct_part(self.output, number, message)?,
            None => self.codec.direct(self.output, message)?,
        };
        let shown = match number {
            Some(number) if self.id.or(self.etag).is_some() => {
                codec::last(message, number)?.unwrap_or_default()
            }
            _ => message,
        };
        let text = |number: u32| codec::last_text(shown, number).map(Option::unwrap_or_default);
        let id = self.id.map(text).transpose()?.map(str::to_owned);
        let etag = self.etag.map(text).transpose()?.filter(|etag| !etag.is_empty());
        Ok(Reply { json: json.into(), credentials, id, etag: etag.map(str::to_owned) })
    }
}

fn issued(given: &CredentialField, message: &[u8]) -> Result<Option<Issued>, Stop> {
    let Some(value) = codec::last_text(message, given.field.number())? else { return Ok(None) };
    let expires_at = match &given.expires_at {
        Some(field) => codec::last(message, field.number())?.map(codec::seconds).transpose()?,
        None => None,
    };
    Ok(Some(Issued { kind: given.kind, value: value.to_owned(), expires_at }))
}
