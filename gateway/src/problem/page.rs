//! The catalogue of problems, for whoever follows a problem's `type`.

use platform::status::{CATALOGUE, Reason};
use serde_json::{Value, json};

use super::kind;

/// The entry that a problem's `type` names.
pub(crate) fn entry(name: &str) -> Option<&'static Reason> {
    let path = format!("/problems/{name}");
    CATALOGUE.iter().copied().find(|reason| kind(reason.code) == path)
}

/// Entries as JSON and as the rows of a page.
pub(crate) fn catalogue(entries: &[&'static Reason]) -> (Value, String) {
    let json = |reason: &&Reason| {
        json!({
            "type": kind(reason.code),
            "code": reason.code,
            "status": reason.http,
            "title": reason.title,
            "detail": reason.detail,
        })
    };
    let row = |reason: &&Reason| {
        let Reason { code, http, title, detail, .. } = reason;
        let detail = detail.replace('&', "&amp;").replace('<', "&lt;");
        let link = kind(code);
        format!("<tr><td><a href=\"{link}\">{code}</a><td>{http}<td>{title}<td>{detail}\n")
    };
    (entries.iter().map(json).collect(), entries.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_leads_to_its_entry() {
        for reason in CATALOGUE {
            let name = kind(reason.code);
            assert_eq!(entry(name.strip_prefix("/problems/").unwrap()), Some(*reason));
        }
        assert_eq!(entry("EMAIL_TAKEN"), None);
        assert_eq!(entry("nope"), None);
    }
}
