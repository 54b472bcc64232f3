//! What some refusals tell programs beside their reason.

use http::{HeaderValue, StatusCode};
use platform::status::{CHALLENGE, CHANGED_FIELDS, CURRENT_ETAG, MAX_AGE, METHODS, NEEDED_SCOPE};
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
    /// The scope that a machine's token has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
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
            scope: text(NEEDED_SCOPE).cloned(),
        }
    }

    /// How a refusal says what would be accepted (RFC 6750, RFC 9470).
    pub(super) fn authenticate(&self, status: StatusCode) -> Option<HeaderValue> {
        let because = match (self.max_age, &self.scope) {
            (Some(seconds), _) => {
                format!(r#"error="insufficient_user_authentication", max_age="{seconds}""#)
            }
            (None, Some(scope)) => format!(r#"error="insufficient_scope", scope="{scope}""#),
            (None, None) if status == StatusCode::UNAUTHORIZED => {
                return Some(HeaderValue::from_static("Bearer"));
            }
            (None, None) => return None,
        };
        HeaderValue::try_from(format!("Bearer {because}")).ok()
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
        assert_eq!(second.authenticate(StatusCode::UNAUTHORIZED).unwrap(), "Bearer");
        assert_eq!(second.authenticate(StatusCode::FORBIDDEN), None);
        assert_eq!(serde_json::to_value(told(&[("other", "x")])).unwrap(), json!({}));
    }

    #[test]
    fn a_step_up_is_asked_for_in_the_words_of_its_standard() {
        let step_up = told(&[(MAX_AGE, "600")]);
        let expected = "Bearer error=\"insufficient_user_authentication\", max_age=\"600\"";
        assert_eq!(step_up.authenticate(StatusCode::UNAUTHORIZED).unwrap(), expected);
        let scope = told(&[(NEEDED_SCOPE, "posts.read")]);
        let expected = "Bearer error=\"insufficient_scope\", scope=\"posts.read\"";
        assert_eq!(scope.authenticate(StatusCode::FORBIDDEN).unwrap(), expected);
        assert_eq!(serde_json::to_value(&step_up).unwrap(), json!({"maxAge": 600}));
    }
}
