//! Which accounts an admin looks for.

use jiff::Timestamp;
use platform::{page::Filter, time::from_proto};
use proto::auth::v1::ListUsersRequest;
use tokio_postgres::types::ToSql;
use tonic::Status;

/// What the accounts of a list have in common; nothing by default.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// How an address or a user name begins, and what is behind all that do.
    prefix: Option<String>,
    below: Option<String>,
    /// Words of names, each as a prefix, in the language of `tsquery`.
    words: Option<String>,
    roles: Option<Vec<String>>,
    suspended: Option<bool>,
    created_after: Option<Timestamp>,
    created_before: Option<Timestamp>,
}

// === impl Search ===

impl Search {
    /// Reads a request whose fields were checked.
    pub(super) fn new(request: &ListUsersRequest) -> Result<Self, Status> {
        let query = request.query.as_deref().map(|query| query.trim().to_lowercase());
        let prefix = query.filter(|query| !query.is_empty());
        let time = |name, time: Option<_>| time.map(|time| from_proto(name, time)).transpose();
        Ok(Self {
            below: prefix.as_ref().map(|prefix| format!("{prefix}{}", char::MAX)),
            words: prefix.as_deref().map(words),
            prefix,
            roles: request.role.clone().map(|role| vec![role]),
            suspended: request.suspended,
            created_after: time("created_after", request.created_after)?,
            created_before: time("created_before", request.created_before)?,
        })
    }

    /// What a page token of the list is good for.
    pub(super) fn filter(&self) -> Filter {
        let time = |time: Option<Timestamp>| {
            time.map(|time| time.as_microsecond().to_be_bytes().to_vec()).unwrap_or_default()
        };
        Filter::of("users")
            .with(self.prefix.as_deref().unwrap_or_default().as_bytes())
            .with(self.roles.as_deref().unwrap_or_default().concat().as_bytes())
            .with(format!("{:?}", self.suspended).as_bytes())
            .with(&time(self.created_after))
            .with(&time(self.created_before))
    }

    /// The parameters of the statement, in its order.
    pub(super) fn params(&self) -> [&(dyn ToSql + Sync); 7] {
        let Self { prefix, below, words, roles, suspended, created_after, created_before } = self;
        [prefix, below, words, roles, suspended, created_after, created_before]
    }
}

/// Every word of a query, of which a name must have one that begins so. What is
/// neither letter nor digit separates words, here as in the index.
fn words(query: &str) -> String {
    let words = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_query_is_taken_for_syntax() {
        for (query, expected) in [
            ("ann", "'ann':*"),
            ("ann s.mith", "'ann':* & 's':* & 'mith':*"),
            ("a'b | !c:*\\", "'a':* & 'b':* & 'c':*"),
            ("élan", "'élan':*"),
            ("()&", ""),
        ] {
            assert_eq!(words(query), expected);
        }
    }

    #[test]
    fn other_filters_are_another_list() {
        let filter =
            |request: ListUsersRequest| format!("{:?}", Search::new(&request).unwrap().filter());
        let request = ListUsersRequest::default();
        let some = |text: &str| Some(text.to_owned());
        let lists = [
            filter(request.clone()),
            filter(ListUsersRequest { query: some("ann"), ..request.clone() }),
            filter(ListUsersRequest { role: some("admin"), ..request.clone() }),
            filter(ListUsersRequest { suspended: Some(false), ..request.clone() }),
            filter(ListUsersRequest { suspended: Some(true), ..request }),
        ];
        for (index, list) in lists.iter().enumerate() {
            assert!(!lists[..index].contains(list), "{list}");
        }
    }
}
