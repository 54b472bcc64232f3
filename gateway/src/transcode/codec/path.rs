//! Fields inside messages, found by name: `post.id`.

use super::{
    Codec, MessageId,
    plan::{Count, Field, Kind},
    stop::{Stop, Unusual},
    to_wire::Reader,
    wire,
};

/// A field of a message, or of a message inside it.
#[derive(Debug)]
pub(crate) struct Path<'a> {
    /// The single messages around it.
    around: Vec<&'a Field>,
    leaf: &'a Field,
}

// === impl Codec ===

impl Codec {
    /// Finds a field by the names, in either spelling, that lead to it; all before
    /// the last must be single messages.
    pub(crate) fn path(&self, mut id: MessageId, names: &str) -> Option<Path<'_>> {
        let mut around = Vec::new();
        let mut names = names.split('.').peekable();
        loop {
            let (_, field) = self.plans.message(id).ok()?.named(names.next()?)?;
            if names.peek().is_none() {
                return Some(Path { around, leaf: field });
            }
            let (Kind::Message(inside), Count::Single { .. }) = (field.kind, field.count) else {
                return None;
            };
            id = inside;
            around.push(field);
        }
    }

    /// Whether a field can be written as one text, or several if it is a list.
    pub(crate) fn is_text(&self, field: &Field) -> bool {
        let is_plain = match field.kind {
            Kind::Message(id) => self.plans.message(id).is_ok_and(|it| it.form.is_plain()),
            _ => true,
        };
        is_plain && field.count != Count::Map
    }

    /// Writes the value of a field that is given as a text.
    pub(crate) fn put_text(
        &self,
        path: &Path<'_>,
        text: &str,
        mut out: Vec<u8>,
    ) -> Result<Vec<u8>, Stop> {
        let mut starts = Vec::new();
        if path.around.len() > usize::from(wire::DEEPEST) {
            return Err(Stop::TOO_DEEP);
        }
        for field in &path.around {
            field.put_tag(&mut out);
            starts.push(wire::open(&mut out));
        }
        out = Reader::parameter(&self.plans, path.leaf, text, out)?;
        for start in starts.into_iter().rev() {
            wire::close(&mut out, start);
        }
        Ok(out)
    }
}

// === impl Path ===

impl Path<'_> {
    /// The last field.
    pub(crate) fn leaf(&self) -> &Field {
        self.leaf
    }

    /// The numbers of the fields on the way, and its own.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.around.iter().chain([&self.leaf]).map(|field| field.number).collect()
    }

    /// Fails if it goes through a `oneof`: another part of a request might fill
    /// another member of it.
    pub(crate) fn check_no_oneof(&self) -> Result<(), Unusual> {
        let is_member = self.around.iter().chain([&self.leaf]).any(|field| field.oneof != 0);
        if is_member { Err(Unusual::Oneof) } else { Ok(()) }
    }
}
