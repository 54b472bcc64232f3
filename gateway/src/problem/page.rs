//! The catalogue of problems, for whoever follows a problem's `type`.

use platform::status::{CATALOGUE, Reason, code_name};
use serde_json::{Value, json};

use super::kind;

/// The entry with a code, or with the last part of a problem's `type`.
pub(crate) fn entry(name: &str) -> Option<&'static Reason> {
    let code = name.to_ascii_uppercase().replace('-', "_");
    CATALOGUE.iter().copied().find(|reason| reason.code == code)
}

/// An entry, for programs.
pub(crate) fn explained(reason: &Reason) -> Value {
    json!({
        "type": kind(reason.code),
        "code": reason.code,
        "status": reason.http,
        "grpc": code_name(reason.grpc),
        "title": reason.title,
        "detail": reason.detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_leads_to_its_entry() {
        for reason in CATALOGUE {
            let name = kind(reason.code);
            assert_eq!(entry(name.strip_prefix("/problems/").unwrap()), Some(*reason));
            assert_eq!(entry(reason.code), Some(*reason));
        }
        assert_eq!(entry("nope"), None);
    }
}
