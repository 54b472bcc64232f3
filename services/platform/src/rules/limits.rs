//! What the rules ask of a field, for whoever has to tell it: the OpenAPI
//! document shows the very rules that are enforced.

use regex::Regex;

use super::{
    Rules,
    plan::{Field, TextRule, ValueRule},
};

/// What a field must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether a request without the field is refused.
    pub is_required: bool,
    /// Whether the empty value of its type is taken, when somebody sends it.
    pub takes_empty: bool,
    /// How many elements a list has at least.
    pub min_items: u64,
    /// And at most.
    pub max_items: Option<u64>,
    /// Whether no two elements may be the same.
    pub is_unique: bool,
    /// What a value must be, or each element of a list.
    pub value: Option<ValueLimits>,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueLimits {
    /// A text; lengths are in characters. No text has a NUL.
    Text {
        /// The shortest.
        min: u64,
        /// The longest.
        max: Option<u64>,
        /// The longest in bytes of UTF-8.
        max_bytes: Option<u64>,
        /// A regular expression that it matches.
        pattern: Option<String>,
    },
    /// A whole number.
    Int32 {
        /// The least.
        min: i32,
        /// The greatest.
        max: i32,
    },
}

// === impl Rules ===

impl Rules {
    /// What the rules ask of a field of a message; none if anything goes.
    pub fn limits(&self, message: &str, field: u32) -> Option<Limits> {
        self.0.get(message)?.fields.get(&field).map(Limits::of)
    }
}

// === impl Limits ===

impl Limits {
    fn of(field: &Field) -> Self {
        let takes_empty_value = field.value.as_ref().is_none_or(ValueRule::takes_empty);
        let takes_empty = if field.is_list { field.list.min == 0 } else { takes_empty_value };
        Self {
            // What has no presence is its empty value when it is absent.
            is_required: field.is_required || (!field.has_presence && !takes_empty),
            takes_empty,
            min_items: field.list.min,
            max_items: field.list.max,
            is_unique: field.list.is_unique,
            value: field.value.as_ref().map(ValueLimits::of),
        }
    }

    /// Whether a text fits, or one of a list.
    pub fn takes(&self, text: &str) -> bool {
        let Some(ValueLimits::Text { min, max, max_bytes, pattern, .. }) = &self.value else {
            return true;
        };
        let chars = text.chars().count() as u64;
        let fits = chars >= *min
            && max.is_none_or(|max| chars <= max)
            && max_bytes.is_none_or(|max| text.len() as u64 <= max);
        let matches = |pattern: &String| Regex::new(pattern).is_ok_and(|it| it.is_match(text));
        fits && !text.contains('\0') && pattern.as_ref().is_none_or(matches)
    }
}

// === impl ValueLimits ===

impl ValueLimits {
    fn of(rule: &ValueRule) -> Self {
        match rule {
            ValueRule::Int32 { min, max } => Self::Int32 { min: *min, max: *max },
            ValueRule::Text(text) => {
                let pattern = text.format.as_ref().map(|format| format.pattern.as_str());
                Self::Text {
                    min: text.min_chars,
                    max: text.max_chars,
                    max_bytes: text.max_bytes,
                    pattern: pattern.map(str::to_owned),
                }
            }
        }
    }
}

// === impl ValueRule ===

impl ValueRule {
    fn takes_empty(&self) -> bool {
        match self {
            Self::Text(TextRule { min_chars, format, .. }) => {
                *min_chars == 0 && format.as_ref().is_none_or(|it| it.pattern.is_match(""))
            }
            Self::Int32 { min, max } => (*min..=*max).contains(&0),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    fn limits(message: &str, field: &str) -> Option<Limits> {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
        let field = pool.get_message_by_name(message).unwrap().get_field_by_name(field).unwrap();
        Rules::read(&pool).unwrap().limits(message, field.number())
    }

    #[test]
    fn fields_are_required_when_their_absence_breaks_a_rule() {
        let required = |message: &str, field: &str| limits(message, field).unwrap().is_required;
        assert!(required("mainstay.auth.v1.CreateUserRequest", "email"));
        assert!(required("mainstay.auth.v1.CreateUserRequest", "username"));
        assert!(required("mainstay.auth.v1.BatchGetProfilesRequest", "user_ids"));
        assert!(!required("mainstay.auth.v1.CreateUserRequest", "display_name"));
        assert!(!required("mainstay.auth.v1.UpdateUserRequest", "username"));
        assert!(!required("mainstay.content.v1.ListPostsRequest", "page_size"));
        assert_eq!(limits("mainstay.content.v1.Post", "created_at"), None);
    }

    #[test]
    fn limits_are_those_of_the_contract() {
        let tags = limits("mainstay.content.v1.CreatePostRequest", "tags").unwrap();
        assert_eq!((tags.min_items, tags.max_items, tags.is_unique), (0, Some(10), true));
        let tag = ValueLimits::Text { min: 1, max: Some(40), max_bytes: None, pattern: None };
        assert_eq!((tags.value, tags.takes_empty), (Some(tag), true));
        let email = limits("mainstay.auth.v1.CreateUserRequest", "email").unwrap().value;
        assert!(matches!(email, Some(ValueLimits::Text { pattern: Some(_), max: Some(254), .. })));
        let size = limits("mainstay.content.v1.ListPostsRequest", "page_size").unwrap().value;
        assert_eq!(size, Some(ValueLimits::Int32 { min: 1, max: 100 }));
    }
}
