//! What exactly is wrong with a request, and where in it.

use std::borrow::Cow;

use platform::status::Reason;
use serde::Serialize;
use tonic_types::FieldViolation;

use super::Problem;

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    #[serde(flatten)]
    pub(crate) place: Place,
    pub(crate) code: Cow<'static, str>,
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<String>,
}

/// What is wrong with a request, up to a number that helps anybody.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

/// Where in a request something is wrong, as the client wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// A JSON pointer into the body (RFC 6901, as a URI fragment).
    Pointer(String),
    /// A parameter of the query or a variable of the path.
    Parameter(String),
    /// A header.
    Header(String),
}

// === impl Faults ===

impl Faults {
    const MOST: usize = 100;

    /// Notes a fault, unless there are enough of them.
    pub(crate) fn note(&mut self, fault: impl FnOnce() -> Fault) {
        if self.0.len() < Self::MOST {
            self.0.push(fault());
        }
    }

    /// Nothing was wrong, or this is the problem.
    pub(crate) fn into_result(self) -> Result<(), Box<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::with_faults(self.0)) }
    }
}

// === impl Fault ===

impl Fault {
    pub(crate) const UNKNOWN_FIELD: &'static str = "UNKNOWN_FIELD";
    pub(crate) const UNKNOWN_PARAMETER: &'static str = "UNKNOWN_PARAMETER";
    pub(crate) const DUPLICATE: &'static str = "DUPLICATE";
    pub(crate) const WRONG_TYPE: &'static str = "WRONG_TYPE";

    pub(crate) fn new(
        place: Place,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self { place, code: code.into(), detail: detail.into(), suggestion: None }
    }

    /// The same for clients that speak gRPC, who know fields by their path.
    pub(crate) fn violation(&self) -> FieldViolation {
        let field = match &self.place {
            Place::Pointer(pointer) => pointer.trim_start_matches("#/").replace('/', "."),
            Place::Parameter(name) | Place::Header(name) => name.clone(),
        };
        FieldViolation {
            field,
            description: self.detail.clone(),
            reason: self.code.to_string(),
            localized_message: None,
        }
    }

    /// Something that does not exist where the client put it; the nearest of the
    /// names that do exist is suggested.
    pub(crate) fn unknown(place: Place, name: &str, known: &[&str]) -> Self {
        let suggestion = nearest(name, known.iter().copied()).map(str::to_owned);
        let (code, detail) = match place {
            Place::Pointer(_) => (Self::UNKNOWN_FIELD, "is not a field of this request"),
            Place::Parameter(_) | Place::Header(_) => {
                (Self::UNKNOWN_PARAMETER, "is not a parameter of this route")
            }
        };
        let detail = match &suggestion {
            Some(suggestion) => format!("{detail}; did you mean `{suggestion}`?"),
            None => detail.to_owned(),
        };
        Self { place, code: code.into(), detail, suggestion }
    }

    pub(super) fn sentence(&self) -> String {
        let name = match &self.place {
            Place::Pointer(pointer) => pointer.trim_start_matches("#/"),
            Place::Parameter(name) | Place::Header(name) => name,
        };
        let name = if name == "#" { "the body" } else { name };
        format!("{name} {}", self.detail).trim_start().to_owned()
    }
}

/// The known name that a client most likely meant, if one is close.
fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    const CLOSE: f64 = 0.6;
    if name.len() > LONGEST {
        return None;
    }
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let name = plain(name);
    let known = known
        .into_iter()
        .map(|known| (strsim::normalized_damerau_levenshtein(&name, &plain(known)), known));
    let best = known.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (best.0 >= CLOSE).then_some(best.1)
}

/// The reason that a request with such faults is refused for.
pub(super) fn reason(faults: &[Fault]) -> &'static Reason {
    let parameters = || faults.iter().filter(|fault| !matches!(fault.place, Place::Pointer(_)));
    if parameters().any(|fault| fault.code == Fault::UNKNOWN_PARAMETER) {
        Reason::UNKNOWN_PARAMETER
    } else if parameters().next().is_some() {
        Reason::INVALID_PARAMETER
    } else {
        Reason::INVALID_FIELDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_others_are_not() {
        let known = ["title", "displayName", "email"];
        for (name, expected) in [
            ("titel", Some("title")),
            ("Title", Some("title")),
            ("display_name", Some("displayName")),
            ("displayname", Some("displayName")),
            ("emial", Some("email")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
        assert_eq!(nearest(&"title".repeat(20), known), None);
    }
}
