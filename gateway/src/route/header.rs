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

/// The fields of a request that headers fill.
pub(super) fn fields(message: &MessageDescriptor) -> Result<Vec<HeaderField>, String> {
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

/// The header that a field stands for; empty if it stands for none.
pub(super) fn name(field: &FieldDescriptor) -> String {
    let pool = field.parent_message().parent_pool();
    let extension = pool.get_extension_by_name("mainstay.options.v1.header");
    let Some(extension) = extension else { return String::new() };
    let options = field.options();
    let name = options.get_extension(&extension);
    name.as_str().unwrap_or_default().to_ascii_lowercase()
}
