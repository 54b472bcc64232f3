//! A request as the bytes of its message: those of the query, of the body, of the
//! path and of the cookies, one after the other. What follows overrides what is
//! there, for that is how messages are merged.

use bytes::Bytes;

use super::{
    super::{
        Given,
        codec::{self, Cover, Seen, Stop},
    },
    BodyLane, Lane,
};
use crate::route::Found;

// === impl Lane ===

impl Lane {
    /// Makes the message that a request stands for.
    pub(in super::super) fn request(
        &self,
        found: &Found<'_>,
        given: Given<'_>,
    ) -> Result<Bytes, Stop> {
        let route = found.route;
        let out = Vec::with_capacity(given.body.len() + 128);
        let out = self.query(given.query.unwrap_or_default(), out)?;
        let (mut out, seen) = self.body(given.body, out)?;
        if let Some(mask) = &route.update_mask {
            self.update_mask(mask.number(), seen, &mut out)?;
        }
        for (variable, text) in route.variables(&found.path) {
            let path = self.codec.path(self.input, variable.name());
            let path = path.ok_or(Stop::Malformed("a variable fills no field"))?;
            path.check_no_oneof()?;
            out = self.codec.put_text(&path, &text, out)?;
        }
        for taken in &route.rpc.takes {
            if let Some(secret) = (given.credential)(taken.kind) {
                self.codec.put_bytes(
                    self.input,
                    taken.field.number(),
                    secret.as_bytes(),
                    &mut out,
                )?;
            }
        }
        Ok(out.into())
    }

    /// Adds the fields of a body, and tells which they are.
    fn body(&self, json: &[u8], mut out: Vec<u8>) -> Result<(Vec<u8>, Seen), Stop> {
        let json = if json.is_empty() { b"{}" } else { json };
        match &self.body {
            BodyLane::Nothing => codec::check_empty(json).map(|()| (out, Seen::default())),
            BodyLane::Whole => self.codec.put_body(self.input, json, Some(&self.hidden), out),
            BodyLane::Field(number, message) => {
                let hidden = match self.hidden.at(*number) {
                    Cover::Parts(hidden) => Some(hidden),
                    // The body is not the path: all of it cannot be hidden.
                    Cover::Nothing | Cover::Everything => None,
                };
                let start = self.codec.open(self.input, *number, &mut out)?;
                let (mut out, seen) = self.codec.put_body(*message, json, hidden, out)?;
                codec::close(&mut out, start);
                Ok((out, seen))
            }
        }
    }

    /// Names what a body has, be it null (RFC 7396): that is what changes.
    fn update_mask(&self, number: u32, seen: Seen, out: &mut Vec<u8>) -> Result<(), Stop> {
        let scope = if let BodyLane::Field(_, message) = self.body { message } else { self.input };
        let mut mask = Vec::new();
        for name in self.codec.names(scope, seen)? {
            codec::put_path(name, &mut mask);
        }
        self.codec.put_bytes(self.input, number, &mask, out)
    }
}
