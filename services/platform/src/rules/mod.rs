//! The field rules of the contract (`buf.validate`), enforced for every caller.
//!
//! At start a plan is made of each message's rules; a rule that this file does
//! not know keeps the process from starting. A request is checked on its wire
//! form, which needs neither generated code nor a message tree.

mod limits;
mod plan;
mod wire;

use std::{collections::HashMap, sync::Arc};

use prost::{Message, Name};
use prost_reflect::DescriptorPool;

pub use self::limits::{Limits, ValueLimits};
use self::plan::Plan;
use crate::status::Violation;

/// The rules of every message in the contract.
#[derive(Clone, Debug)]
pub struct Rules(Arc<HashMap<String, Plan>>);

/// A rule that the contract states and this build cannot enforce.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Unenforceable {
    field: String,
    problem: String,
}

// === impl Rules ===

impl Rules {
    /// Reads the rules of the contract.
    pub fn read(pool: &DescriptorPool) -> Result<Self, Unenforceable> {
        let mut plans = HashMap::new();
        for message in pool.all_messages() {
            if let Some(plan) = plan::read(pool, &message)? {
                plans.insert(message.full_name().to_owned(), plan);
            }
        }
        Ok(Self(Arc::new(plans)))
    }

    /// Checks a message against its rules and reports every one it breaks.
    pub fn check<M: Message + Name>(&self, message: &M) -> Vec<Violation> {
        let plan = self.0.get(&M::full_name());
        plan.map(|plan| wire::check(plan, &message.encode_to_vec())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proto::{
        auth::v1::{BatchGetProfilesRequest, CreateUserRequest},
        content::v1::{CreatePostRequest, ListPostsRequest, UpdatePostRequest},
    };

    use super::*;

    fn broken<M: Message + Name>(message: &M) -> Vec<String> {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
        let violations = Rules::read(&pool).unwrap().check(message);
        violations.into_iter().map(|v| format!("{} {}", v.field, v.code)).collect()
    }

    fn user(email: &str, username: &str, password: &str) -> CreateUserRequest {
        CreateUserRequest {
            email: email.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
            ..CreateUserRequest::default()
        }
    }

    #[test]
    fn texts() {
        let ok = user("ann@example.com", "ann", "correct horse");
        assert_eq!(broken(&ok), Vec::<String>::new());
        let bad = user("ann@", "a b", "short");
        assert_eq!(broken(&bad), ["email INVALID", "username INVALID", "password TOO_SHORT"]);
        let post = CreatePostRequest {
            user_id: "me".to_owned(),
            title: "é".repeat(200),
            body: "b".repeat(262_145),
            ..CreatePostRequest::default()
        };
        assert_eq!(broken(&post), ["body TOO_LONG"]);
    }

    #[test]
    fn rules_are_told_in_words_of_their_own() {
        let user = user("ann@example.com", "a b", "correct horse");
        let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
        let rules = Rules::read(&pool).unwrap();
        let words: Vec<_> = rules.check(&user).into_iter().map(|v| v.rule).collect();
        let expected =
            "must be 3 to 40 letters, digits, `.`, `_` or `-`, beginning with a letter or digit";
        assert_eq!(words, [expected]);
        for plan in rules.0.values() {
            assert!(!format!("{plan:?}").contains("As in"), "{plan:?}");
        }
        let blank = CreatePostRequest {
            user_id: "me".to_owned(),
            title: " \t".to_owned(),
            ..CreatePostRequest::default()
        };
        assert_eq!(broken(&blank), ["title INVALID"]);
    }

    #[test]
    fn no_text_holds_what_postgresql_cannot_store() {
        let mut post = CreatePostRequest {
            user_id: "me".to_owned(),
            title: "t\0".to_owned(),
            tags: vec!["a\0".to_owned()],
            ..CreatePostRequest::default()
        };
        assert_eq!(broken(&post), ["title INVALID", "tags[0] INVALID"]);
        post.user_id = "\0".to_owned();
        let page = ListPostsRequest { user_id: "\0".to_owned(), ..Default::default() };
        assert_eq!(broken(&page), ["user_id INVALID"]);
    }

    #[test]
    fn fields_with_presence_are_checked_only_when_present() {
        let mut update = UpdatePostRequest { post_id: "1".to_owned(), ..Default::default() };
        assert_eq!(broken(&update), Vec::<String>::new());
        update.title = Some(String::new());
        assert_eq!(broken(&update), ["title TOO_SHORT"]);
    }

    #[test]
    fn a_mask_names_what_can_change_and_clears_what_may_be_empty() {
        let mut update = UpdatePostRequest { post_id: "1".to_owned(), ..Default::default() };
        let mask = |paths: &[&str]| {
            let paths = paths.iter().map(|&path| path.to_owned()).collect();
            Some(prost_types::FieldMask { paths })
        };
        update.update_mask = mask(&["body", "tags"]);
        assert_eq!(broken(&update), Vec::<String>::new());
        update.update_mask = mask(&["title"]);
        assert_eq!(broken(&update), ["title TOO_SHORT"]);
        update.title = Some("t".to_owned());
        assert_eq!(broken(&update), Vec::<String>::new());
        update.update_mask = mask(&["post_id", "*", "update_mask", ""]);
        assert_eq!(broken(&update), ["update_mask UNKNOWN_FIELD"; 4]);
    }

    #[test]
    fn lists() {
        let mut post = CreatePostRequest {
            user_id: "me".to_owned(),
            title: "t".to_owned(),
            tags: vec!["a".to_owned(), String::new(), "a".to_owned()],
            ..CreatePostRequest::default()
        };
        assert_eq!(broken(&post), ["tags[1] TOO_SHORT", "tags NOT_UNIQUE"]);
        post.tags = (0..11).map(|n| n.to_string()).collect();
        assert_eq!(broken(&post), ["tags TOO_MANY"]);
        assert_eq!(broken(&BatchGetProfilesRequest::default()), ["user_ids TOO_FEW"]);
    }

    #[test]
    fn numbers() {
        let page = |size| ListPostsRequest { page_size: size, ..Default::default() };
        assert_eq!(broken(&page(None)), Vec::<String>::new());
        assert_eq!(broken(&page(Some(100))), Vec::<String>::new());
        for size in [0, -1, 101, i32::MAX, i32::MIN] {
            assert_eq!(broken(&page(Some(size))), ["page_size OUT_OF_RANGE"], "{size}");
        }
    }
}
