//! Posts: the rules, free of gRPC and SQL.

mod rpc;
mod store;

use platform::{etag::Meant, mask::Mask};
use proto::content::v1::{CreatePostRequest, UpdatePostRequest};
use uuid::Uuid;

pub(crate) use self::{rpc::Rpc, store::read};

/// Long enough to tell posts apart, short enough for an address.
const MAX_SLUG: usize = 80;

/// A post that obeys every rule and may be stored.
#[derive(Debug)]
pub(crate) struct Draft {
    id: Uuid,
    author_id: Uuid,
    slug: Slug,
    post: CreatePostRequest,
}

/// What shall change about a post.
#[derive(Debug)]
pub(crate) struct Changes {
    mask: Mask,
    slug: Option<Slug>,
    post: UpdatePostRequest,
}

/// A post's name in addresses, and others for when the author has that one
/// already; the last is too random to be taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slug([String; 3]);

/// Somebody who wants to change a post.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writer {
    user_id: Uuid,
    /// Their rank lets them change what others published.
    may_override: bool,
}

/// A post that somebody wants to change.
#[derive(Debug)]
pub(crate) struct Target {
    post_id: Uuid,
    writer: Writer,
    /// The version that they want to change.
    meant: Meant,
}

/// Whose posts a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// Everybody's published ones.
    Public,
    /// One author's.
    Author { author_id: Uuid, with_drafts: bool },
}

/// What can go wrong with posts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such post")]
    NotFound,
    #[error("somebody else's post")]
    NotYours,
    #[error("another version than was meant")]
    Stale { current_etag: String, changed_fields: Vec<String> },
    #[error("the author has posts of every slug that was tried")]
    SlugTaken,
    #[error(transparent)]
    Database(#[from] database::Error),
}

// === impl Draft ===

impl Draft {
    /// Prepares a post from a request whose fields were checked.
    pub(crate) fn new(author_id: Uuid, post: CreatePostRequest) -> Self {
        let id = Uuid::now_v7();
        Self { id, author_id, slug: Slug::new(&post.title, id), post }
    }
}

// === impl Changes ===

impl Changes {
    /// Reads what shall change from a request whose fields were checked.
    pub(crate) fn new(post_id: Uuid, mut post: UpdatePostRequest) -> Self {
        let mask = Mask::new(post.update_mask.take());
        let title = mask.value("title", post.title.clone());
        let slug = title.map(|title| Slug::new(&title, post_id));
        Self { mask, slug, post }
    }
}

// === impl Slug ===

impl Slug {
    fn new(title: &str, post_id: Uuid) -> Self {
        let mut plain = slug::slugify(title);
        plain.truncate(MAX_SLUG);
        let plain = plain.trim_end_matches('-');
        let plain = if plain.is_empty() { "post" } else { plain };
        // The last digits of a UUIDv7 are random.
        let id = post_id.simple().to_string();
        let (_, tail) = id.split_at_checked(24).unwrap_or_default();
        let last = format!("{plain}-{}", Uuid::now_v7().simple());
        Self([plain.to_owned(), format!("{plain}-{tail}"), last])
    }
}

// === impl Shelf ===

impl Shelf {
    /// The shelf that a reader sees.
    pub(crate) fn of(author: Option<Uuid>, reader: Option<Uuid>) -> Self {
        author.map_or(Self::Public, |author_id| Self::Author {
            author_id,
            with_drafts: reader == Some(author_id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_short_and_plain() {
        let id = Uuid::from_u128(0xabcd_ef01);
        let plain = |title: &str| Slug::new(title, id).0[0].clone();
        assert_eq!(plain("Hello, World!"), "hello-world");
        assert_eq!(plain("Größe"), "grosse");
        assert_eq!(plain("北京"), "bei-jing");
        assert_eq!(plain("!!!"), "post");
        assert_eq!(plain(&"a".repeat(200)).len(), MAX_SLUG);
        assert_eq!(plain(&format!("{} b", "a".repeat(79))), "a".repeat(79));
        assert_eq!(Slug::new("Hello", id).0[1], "hello-abcdef01");
        assert_ne!(Slug::new("Hello", id).0[2], Slug::new("Hello", id).0[2]);
    }

    #[test]
    fn drafts_are_on_their_authors_shelf_only() {
        let (ann, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(Shelf::of(None, Some(ann)), Shelf::Public);
        for (reader, with_drafts) in [(None, false), (Some(bob), false), (Some(ann), true)] {
            let expected = Shelf::Author { author_id: ann, with_drafts };
            assert_eq!(Shelf::of(Some(ann), reader), expected);
        }
    }
}
