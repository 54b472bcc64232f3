//! Fields that stand for HTTP headers: the `header` option of the contract.

use http::HeaderName;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// What names an event in a stream (WHATWG HTML, section 9.2).
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// A field of a request that is filled from a header.
#[derive(Clone, Debug)]
pub(crate) struct HeaderField {
    /// The field, a string.
    pub(crate) field: FieldDescriptor,
    /// The header.
    pub(crate) header: HeaderName,
}

/// The fields of a request that are filled from headers.
pub(super) fn fields(message: &MessageDescriptor) -> Result<Vec<HeaderField>, String> {
    let marked = message.fields().map(|field| (name(&field), field));
    let marked = marked.filter(|(name, _)| !name.is_empty());
    marked
        .map(|(name, field)| {
            let is_text = field.kind() == Kind::String && !field.is_list();
            let header = HeaderName::try_from(&name).ok().filter(|_| is_text);
            let unusable = || format!("cannot fill {} from a header", field.full_name());
            let header = header.ok_or_else(unusable)?;
            Ok(HeaderField { field, header })
        })
        .collect()
}

/// The header that a field stands for; empty if it stands for none.
pub(super) fn name(field: &FieldDescriptor) -> String {
    let pool = field.parent_message().parent_pool();
    let extension = pool.get_extension_by_name("mainstay.options.v1.header");
    let Some(extension) = extension else { return String::new() };
    let options = field.options();
    let name = options.get_extension(&extension);
    name.as_str().unwrap_or_default().to_ascii_lowercase()
}
