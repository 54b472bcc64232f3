//! What some refusals tell programs beside their reason.

use http::HeaderValue;
use platform::status::{CHALLENGE, CHANGED_FIELDS, CURRENT_ETAG, MAX_AGE, METHODS};
use serde::Serialize;
use tonic_types::ErrorInfo;

/// Members of a problem that only some have.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// The version that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_etag: Option<String>,
    /// What somebody else changed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_fields: Option<Vec<String>>,
    /// What a second factor is sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    /// Which second factors there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
    /// How many seconds a proof of who calls is recent.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
}

// === impl Told ===

impl Told {
    /// Reads what a service says.
    pub(super) fn read(info: &ErrorInfo) -> Self {
        let text = |key| info.metadata.get(key);
        let list = |key| {
            let items = text(key)?.split(',').filter(|item| !item.is_empty());
            Some(items.map(str::to_owned).collect::<Vec<_>>())
        };
        let fields = list(CHANGED_FIELDS);
        Self {
            current_etag: text(CURRENT_ETAG).cloned(),
            changed_fields: fields.map(|names| names.iter().map(|it| json_name(it)).collect()),
            challenge: text(CHALLENGE).cloned(),
            methods: list(METHODS),
            max_age: text(MAX_AGE).and_then(|seconds| seconds.parse().ok()),
        }
    }

    /// How a 401 says what would be accepted (RFC 6750, RFC 9470).
    pub(super) fn authenticate(&self) -> HeaderValue {
        let step_up = self.max_age.map(|seconds| {
            let why = "error=\"insufficient_user_authentication\"";
            HeaderValue::try_from(format!("Bearer {why}, max_age=\"{seconds}\""))
        });
        step_up.and_then(Result::ok).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// A field's name as ProtoJSON has it.
fn json_name(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| match word.split_at_checked(1) {
        Some((first, rest)) => name + &first.to_ascii_uppercase() + rest,
        None => name,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Told {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Told::read(&ErrorInfo::new("X", "mainstay", pairs.collect::<HashMap<_, _>>()))
    }

    #[test]
    fn programs_are_told_how_to_go_on() {
        let second = told(&[(CHALLENGE, "c"), (METHODS, "passkey,totp")]);
        let expected = json!({"challenge": "c", "methods": ["passkey", "totp"]});
        assert_eq!(serde_json::to_value(&second).unwrap(), expected);
        assert_eq!(second.authenticate(), "Bearer");
        assert_eq!(serde_json::to_value(told(&[("other", "x")])).unwrap(), json!({}));
    }

    #[test]
    fn a_step_up_is_asked_for_in_the_words_of_its_standard() {
        let step_up = told(&[(MAX_AGE, "600")]);
        let expected = "Bearer error=\"insufficient_user_authentication\", max_age=\"600\"";
        assert_eq!(step_up.authenticate(), expected);
        assert_eq!(serde_json::to_value(&step_up).unwrap(), json!({"maxAge": 600}));
    }
}
