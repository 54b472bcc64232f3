//! Messages: their members in the order of the contract.

use super::{
    super::{
        plan::{Count, Field, Form, Kind, Message, MessageId},
        stop::{Stop, Unusual},
        wire::{self, Tag},
    },
    Writer,
};

// === impl Writer ===

impl Writer<'_> {
    /// Writes a message that is inside as many others.
    pub(crate) fn message(&mut self, id: MessageId, wire: &[u8], depth: u8) -> Result<(), Stop> {
        if depth > wire::DEEPEST {
            return Err(Stop::TOO_DEEP);
        }
        let message = self.plans.message(id)?;
        match message.form {
            Form::Object => self.object(message, wire, depth),
            Form::Unplanned => Err(Unusual::Unplanned.into()),
            _ => self.well_known(message, wire, depth),
        }
    }

    fn object(&mut self, message: &Message, mut wire: &[u8], depth: u8) -> Result<(), Stop> {
        self.out.push(b'{');
        let start = self.out.len();
        let mut unwritten = &*message.fields;
        let mut oneofs = 0;
        while !wire.is_empty() {
            let tag = wire::tag(&mut wire)?;
            let Some((place, field)) = message.at(tag.number) else {
                wire::skip(&mut wire, tag.wire_type)?;
                continue;
            };
            let written = message.fields.len() - unwritten.len();
            let before = place.checked_sub(written).ok_or(Unusual::Order)?;
            let (absent, rest) = unwritten.split_at_checked(before).ok_or(Unusual::Order)?;
            self.absent(absent, start);
            unwritten = rest.get(1..).unwrap_or_default();
            if oneofs & field.oneof != 0 {
                return Err(Unusual::Oneof.into());
            }
            oneofs |= field.oneof;
            if field.is_secret {
                wire::skip(&mut wire, tag.wire_type)?;
                continue;
            }
            let before = self.out.len();
            self.separate(start);
            if !self.member(field, tag, &mut wire, depth)? {
                self.out.truncate(before);
            }
        }
        self.absent(unwritten, start);
        self.out.push(b'}');
        Ok(())
    }

    /// Writes fields that are not there.
    #[inline]
    fn absent(&mut self, fields: &[Field], start: usize) {
        if self.writes_absent {
            for field in fields.iter().filter(|field| !field.absent.is_empty()) {
                self.separate(start);
                self.out.extend_from_slice(&field.absent);
            }
        }
    }

    /// Puts a comma behind the member before, if there is one.
    #[inline]
    pub(crate) fn separate(&mut self, start: usize) {
        if self.out.len() > start {
            self.out.push(b',');
        }
    }

    /// Writes a field that is there; false if it has to be taken back, because it
    /// is as good as absent.
    #[inline]
    fn member(
        &mut self,
        field: &Field,
        tag: Tag,
        wire: &mut &[u8],
        depth: u8,
    ) -> Result<bool, Stop> {
        self.out.extend_from_slice(&field.key);
        let is_zero = self.values(field, tag, wire, depth)?;
        let is_explicit = field.count == Count::Single { is_explicit: true };
        Ok(!is_zero || is_explicit || self.writes_absent)
    }

    /// Writes all that a field has; true if that is nothing, or zero.
    fn values(
        &mut self,
        field: &Field,
        tag: Tag,
        wire: &mut &[u8],
        depth: u8,
    ) -> Result<bool, Stop> {
        match field.count {
            Count::Single { .. } if tag.wire_type != field.kind.wire_type() => {
                Err(Unusual::WireType.into())
            }
            Count::Single { .. } => self.value(field.kind, wire, depth),
            Count::List { .. } => self.list(field, tag, wire, depth),
            Count::Map => self.map(field, tag, wire, depth).map(|()| false),
        }
    }

    /// Writes one field of a message without its key, whatever else is there.
    pub(crate) fn only(&mut self, field: &Field, mut wire: &[u8]) -> Result<(), Stop> {
        let mut is_there = false;
        while !wire.is_empty() {
            let tag = wire::tag(&mut wire)?;
            if tag.number != field.number {
                wire::skip(&mut wire, tag.wire_type)?;
            } else if std::mem::replace(&mut is_there, true) {
                return Err(Unusual::Order.into());
            } else {
                self.values(field, tag, &mut wire, 0)?;
            }
        }
        if is_there { Ok(()) } else { self.nothing(field) }
    }

    /// What stands for a field that is the whole body, and is not there.
    fn nothing(&mut self, field: &Field) -> Result<(), Stop> {
        if let (Count::Single { .. }, Kind::Message(id)) = (field.count, field.kind) {
            return self.message(id, &[], 0);
        }
        let zero = field.absent.strip_prefix(&*field.key).unwrap_or(b"null");
        self.out.extend_from_slice(zero);
        Ok(())
    }
}
