//! Fields that stand for HTTP headers: the `header` option of the contract.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// What names an event in a stream (WHATWG HTML, section 9.2).
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// A field of a request that is filled from a header.
#[derive(Clone, Debug)]
pub(crate) struct HeaderField {
    /// The field, a string.
    pub(crate) field: FieldDescriptor,
    /// The header's name, in lower case.
    pub(crate) header: String,
}

/// The fields of a request that are filled from headers.
pub(super) fn fields(message: &MessageDescriptor) -> Result<Vec<HeaderField>, String> {
    let fields = message.fields().map(|field| HeaderField { header: name(&field), field });
    let fields = fields.filter(|filled| !filled.header.is_empty());
    fields
        .map(|filled| {
            let is_text = filled.field.kind() == Kind::String && !filled.field.is_list();
            let is_name = http::HeaderName::try_from(&filled.header).is_ok();
            let unusable = || format!("cannot fill {} from a header", filled.field.full_name());
            if is_text && is_name { Ok(filled) } else { Err(unusable()) }
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
