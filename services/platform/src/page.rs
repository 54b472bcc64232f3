//! Page tokens: where a list goes on, opaque to callers and tamper-proof.
//!
//! A token holds the sort key and id of the last row and a hash of what was
//! asked for. It carries no rights: the next page is checked like the first.
//! AIP-158 asks for tokens that callers cannot build or read.
//!
//! The same page has the same token for a day: answers that name it can be
//! compared by those who have them, and kept for those who ask the same.

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use tonic::Status;
use uuid::Uuid;

use crate::{
    seal::SteadySealer,
    status::{self, Reason},
};

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// At least; until the end of the day that it would end on.
const LIFETIME_DAYS: i64 = 3;
const DEFAULT_SIZE: i32 = 20;
const CONTEXT: &[u8] = b"page token v2";

/// Makes and reads page tokens.
#[derive(Debug)]
pub struct Pages(SteadySealer);

/// A page as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many rows to show.
    pub size: usize,
    /// The last row of the page before; none for the first page.
    pub after: Option<Key>,
    filter: u64,
}

/// What rows are sorted by: a time, and an id that tells equal times apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub id: Uuid,
}

/// Why a page token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not made by us, or was damaged on its way.
    #[error("invalid page token")]
    Invalid,
    /// It is too old.
    #[error("expired page token")]
    Expired,
    /// It belongs to a list with other filters.
    #[error("page token of another list")]
    Mismatch,
}

/// What a list is filtered by, as a hash that a page token can hold.
#[derive(Debug, Default)]
pub struct Filter(Vec<u8>);

// === impl Pages ===

impl Pages {
    /// Uses a key made for page tokens.
    pub fn new(sealer: SteadySealer) -> Self {
        Self(sealer)
    }

    /// Reads the paging fields of a request. `size` has passed the contract's rules.
    pub fn read(
        &self,
        size: Option<i32>,
        token: &str,
        filter: &Filter,
        now: Timestamp,
    ) -> Result<Page, Refused> {
        let size = usize::try_from(size.unwrap_or(DEFAULT_SIZE)).unwrap_or_default();
        let filter = filter.digest();
        let after = if token.is_empty() { None } else { Some(self.open(token, filter, now)?) };
        Ok(Page { size, after, filter })
    }

    /// The token of the page after the one that ends with `last`.
    pub fn token(&self, page: &Page, last: Key, now: Timestamp) -> String {
        let mut plain = Vec::with_capacity(40);
        plain.extend(expires(now).to_be_bytes());
        plain.extend(page.filter.to_be_bytes());
        plain.extend(last.at.as_microsecond().to_be_bytes());
        plain.extend(last.id.as_bytes());
        URL_SAFE_NO_PAD.encode(self.0.seal(CONTEXT, &plain))
    }

    /// Cuts a list that was read one row longer than its page, and names the
    /// next page if there is one.
    pub fn cut<T>(
        &self,
        page: &Page,
        rows: &mut Vec<T>,
        now: Timestamp,
        key: impl Fn(&T) -> Key,
    ) -> Option<String> {
        if rows.len() <= page.size {
            return None;
        }
        rows.truncate(page.size);
        rows.last().map(|last| self.token(page, key(last), now))
    }

    fn open(&self, token: &str, filter: u64, now: Timestamp) -> Result<Key, Refused> {
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_not_base64| Refused::Invalid)?;
        let plain = self.0.open(CONTEXT, &sealed).map_err(|_unsealable| Refused::Invalid)?;
        let (numbers, id) = plain.split_first_chunk::<24>().ok_or(Refused::Invalid)?;
        let (numbers, _) = numbers.as_chunks::<8>();
        let [expires, made_for, at] = numbers else { return Err(Refused::Invalid) };
        if i64::from_be_bytes(*expires) <= now.as_second() {
            return Err(Refused::Expired);
        }
        if u64::from_be_bytes(*made_for) != filter {
            return Err(Refused::Mismatch);
        }
        let at = Timestamp::from_microsecond(i64::from_be_bytes(*at));
        let id = Uuid::from_slice(id).map_err(|_length| Refused::Invalid)?;
        Ok(Key { at: at.map_err(|_range| Refused::Invalid)?, id })
    }
}

/// The second at which a token made now expires.
fn expires(now: Timestamp) -> i64 {
    let day = now.as_second().div_euclid(DAY_SECONDS);
    let is_midnight = now.as_second() == day * DAY_SECONDS;
    (day + LIFETIME_DAYS + i64::from(!is_midnight)) * DAY_SECONDS
}

// === impl Refused ===

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        status::refuse(match refused {
            Refused::Invalid => Reason::PAGE_TOKEN_INVALID,
            Refused::Expired => Reason::PAGE_TOKEN_EXPIRED,
            Refused::Mismatch => Reason::PAGE_TOKEN_MISMATCH,
        })
    }
}

// === impl Page ===

impl Page {
    /// How many rows to read: one more than shown, to see whether more follow.
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX).saturating_add(1)
    }
}

// === impl Filter ===

impl Filter {
    /// Starts with the name of the list.
    pub fn of(list: &str) -> Self {
        Self::default().with(list.as_bytes())
    }

    /// Adds a value that the list is filtered by.
    #[must_use]
    pub fn with(mut self, value: &[u8]) -> Self {
        self.0.extend(value.len().to_be_bytes());
        self.0.extend(value);
        self
    }

    fn digest(&self) -> u64 {
        let digest = digest::digest(&digest::SHA256, &self.0);
        digest.as_ref().first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::MasterKey;

    fn pages() -> Pages {
        let master: MasterKey = URL_SAFE_NO_PAD.encode([7; 32]).parse().unwrap();
        Pages::new(master.steady_sealer("pages"))
    }

    #[test]
    fn a_token_goes_on_where_the_page_ended() {
        let (pages, filter) = (pages(), Filter::of("posts").with(b"ann"));
        let now: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let page = pages.read(Some(2), "", &filter, now).unwrap();
        assert_eq!((page.size, page.limit(), page.after), (2, 3, None));

        let key = |n: u128| Key { at: now, id: Uuid::from_u128(n) };
        let mut rows = vec![3, 2, 1];
        let token = pages.cut(&page, &mut rows, now, |n| key(*n)).unwrap();
        assert_eq!(rows, [3, 2]);
        let next = pages.read(None, &token, &filter, now).unwrap();
        assert_eq!((next.size, next.after), (20, Some(key(2))));

        let mut rest = vec![1];
        assert_eq!(pages.cut(&next, &mut rest, now, |n| key(*n)), None);

        let other = Filter::of("posts").with(b"bob");
        assert_eq!(pages.read(None, &token, &other, now), Err(Refused::Mismatch));
        let later: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
        assert_eq!(pages.read(None, &token, &filter, later), Err(Refused::Expired));
        for text in ["x", "AAAA", &format!("A{token}"), &format!("{token}A")] {
            assert_eq!(pages.read(None, text, &filter, now), Err(Refused::Invalid), "{text}");
        }
    }

    #[test]
    fn the_same_page_has_the_same_token_for_a_day() {
        let (pages, filter) = (pages(), Filter::of("posts"));
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let page = pages.read(Some(2), "", &filter, time("2026-11-23T10:00:00Z")).unwrap();
        let key = Key { at: time("2026-11-01T00:00:00Z"), id: Uuid::from_u128(1) };
        let token = |now| pages.token(&page, key, time(now));
        let early = token("2026-11-23T00:00:01Z");
        assert_eq!(early, token("2026-11-23T23:59:59Z"));
        assert_ne!(early, token("2026-11-24T10:00:00Z"));
        assert_ne!(early, pages.token(&page, Key { id: Uuid::from_u128(2), ..key }, key.at));
        let late = token("2026-11-23T23:59:59Z");
        pages.read(None, &late, &filter, time("2026-11-26T23:59:59Z")).unwrap();
        let over = time("2026-11-27T00:00:00Z");
        assert_eq!(pages.read(None, &late, &filter, over), Err(Refused::Expired));
    }

    #[test]
    fn filters_are_not_confused_by_where_one_value_ends() {
        let one = Filter::of("l").with(b"ab").with(b"c");
        let two = Filter::of("l").with(b"a").with(b"bc");
        assert_ne!(one.digest(), two.digest());
    }
}
