//! The catalogue of problems and faults, for whoever follows a problem's `type`.

use platform::status::{CATALOGUE, FaultCode, Reason, code_name, find_fault};
use serde_json::{Value, json};

use super::kind;

/// The entry with a code, or with the last part of a problem's `type`.
pub(crate) fn entry(name: &str) -> Option<&'static Reason> {
    let code = code(name);
    CATALOGUE.iter().copied().find(|reason| reason.code == code)
}

/// The kind of fault with a code.
pub(crate) fn fault(name: &str) -> Option<&'static FaultCode> {
    find_fault(&code(name))
}

fn code(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
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

/// A kind of fault, for programs.
pub(crate) fn told(fault: &FaultCode) -> Value {
    json!({"code": fault.code, "title": fault.title, "detail": fault.detail})
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
        assert_eq!(fault("too-long").unwrap().code, "TOO_LONG");
        assert_eq!(fault("nope"), None);
    }
}
