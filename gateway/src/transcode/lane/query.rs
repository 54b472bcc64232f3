//! A query as the bytes of the fields that it fills.

use std::collections::HashSet;

use super::{
    super::codec::{Count, Path, Stop},
    BodyLane, Lane,
};
use crate::percent;

const WRONG: Stop = Stop::Malformed("the query has a parameter that is not taken");

// === impl Lane ===

impl Lane {
    /// Adds the fields of a query: what neither the path nor the body fills.
    pub(super) fn query(&self, query: &str, mut out: Vec<u8>) -> Result<Vec<u8>, Stop> {
        let mut seen = HashSet::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent::decode_query(name).ok_or(WRONG)?;
            let text = percent::decode_query(text).ok_or(WRONG)?;
            let path = self.codec.path(self.input, &name).ok_or(WRONG)?;
            path.check_no_oneof()?;
            let numbers = path.numbers();
            if !self.is_open(&path, &numbers) {
                return Err(WRONG);
            }
            let is_list = matches!(path.leaf().count, Count::List { .. });
            if !is_list && !seen.insert(numbers) {
                return Err(Stop::Malformed("the query has a parameter twice"));
            }
            out = self.codec.put_text(&path, &text, out)?;
        }
        Ok(out)
    }

    /// Whether a field may be given in the query.
    fn is_open(&self, path: &Path<'_>, numbers: &[u32]) -> bool {
        let is_in_body = match &self.body {
            BodyLane::Nothing => false,
            BodyLane::Whole => true,
            BodyLane::Field(number, _) => numbers.first() == Some(number),
        };
        !is_in_body && !self.hidden.covers(numbers) && self.codec.is_text(path.leaf())
    }
}
