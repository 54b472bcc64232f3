//! Messages: a member for each field, in any order, in either spelling.

use super::{
    super::{
        plan::{Count, Field, Form, Kind, Message, MessageId},
        stop::{Stop, Unusual},
        wire,
    },
    Reader, Unknown,
};

/// Fields that may not be in a body, because something else fills them.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    /// Numbers, and what is hidden inside: everything if none.
    fields: Vec<(u32, Option<Hidden>)>,
}

/// How much of a field is hidden.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cover<'a> {
    Nothing,
    Parts(&'a Hidden),
    Everything,
}

/// The places of the fields of a message that a text has, be it as null.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen([u64; 4]);

/// Whether a field was given a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Something,
    /// Null, or a name that is passed over.
    Nothing,
}

// === impl Reader ===

impl Reader<'_> {
    /// Reads a message that is inside as many others.
    pub(crate) fn message(
        &mut self,
        id: MessageId,
        hidden: Option<&Hidden>,
        depth: u8,
    ) -> Result<(), Stop> {
        if depth > wire::DEEPEST {
            return Err(Stop::TOO_DEEP);
        }
        let message = self.plans.message(id)?;
        match message.form {
            Form::Object => self.members(message, hidden, depth).map(drop),
            Form::Unplanned => Err(Unusual::Unplanned.into()),
            _ => self.well_known(message, depth),
        }
    }

    pub(crate) fn members(
        &mut self,
        message: &Message,
        hidden: Option<&Hidden>,
        depth: u8,
    ) -> Result<Seen, Stop> {
        if message.form != Form::Object {
            return Err(Unusual::WellKnown.into());
        }
        let (mut seen, mut oneofs, mut likely) = (Seen::default(), 0, 0);
        let mut members = self.json.object()?;
        while self.json.member(&mut members)? {
            let expected =
                message.open_at(likely).filter(|field| self.json.expected_key(&field.key));
            let (place, field) = if let Some(field) = expected {
                (likely, field)
            } else {
                let key = self.json.any_key()?;
                let Some(found) = message.named(&key) else {
                    self.unknown_member(&key)?;
                    continue;
                };
                found
            };
            let hidden = match hidden.map_or(Cover::Nothing, |hidden| hidden.at(field.number)) {
                Cover::Nothing => None,
                Cover::Parts(hidden) => Some(hidden),
                Cover::Everything => return Err(UNKNOWN_MEMBER),
            };
            if !seen.note(place) {
                return Err(Stop::Malformed("a field is there twice"));
            }
            likely = place + 1;
            let given = self.member(field, hidden, depth)?;
            if given == Given::Something && field.oneof != 0 {
                if oneofs & field.oneof != 0 {
                    return Err(Stop::Malformed("a field excludes another that is there"));
                }
                oneofs |= field.oneof;
            }
        }
        Ok(seen)
    }

    fn unknown_member(&mut self, key: &str) -> Result<(), Stop> {
        // The name of an extension, which only proto2 has.
        if key.starts_with('[') {
            return Err(Unusual::Unplanned.into());
        }
        match self.unknown {
            Unknown::Refused => Err(UNKNOWN_MEMBER),
            Unknown::Skipped => self.json.skip(),
        }
    }

    /// Reads the value of a field.
    #[inline]
    pub(super) fn member(
        &mut self,
        field: &Field,
        hidden: Option<&Hidden>,
        depth: u8,
    ) -> Result<Given, Stop> {
        if self.json.peek() == Some(b'n') && !self.plans.takes_null(field) {
            return self.json.word("null").map(|()| Given::Nothing);
        }
        match (field.count, field.kind) {
            (Count::Single { .. }, Kind::Message(id)) => {
                field.put_tag(&mut self.out);
                self.framed(|reader| reader.message(id, hidden, depth + 1))?;
                Ok(Given::Something)
            }
            (Count::Single { is_explicit }, _) => self.scalar(field, !is_explicit),
            (Count::List { is_packed }, _) => self.list(field, is_packed, depth),
            (Count::Map, _) => self.map(field, depth),
        }
    }
}

const UNKNOWN_MEMBER: Stop = Stop::Malformed("a field is not one of the message");

// === impl Hidden ===

impl Hidden {
    /// Hides a field: the numbers of the fields that it is inside, and its own.
    pub(crate) fn hide(&mut self, path: &[u32]) {
        let [number, inside @ ..] = path else { return };
        let place = self.fields.iter().position(|(hidden, _)| hidden == number);
        let place = place.unwrap_or_else(|| {
            self.fields.push((*number, Some(Self::default())));
            self.fields.len() - 1
        });
        if let Some((_, below)) = self.fields.get_mut(place) {
            match below {
                _ if inside.is_empty() => *below = None,
                Some(below) => below.hide(inside),
                None => {}
            }
        }
    }

    /// How much of a field is hidden.
    pub(crate) fn at(&self, number: u32) -> Cover<'_> {
        match self.fields.iter().find(|(hidden, _)| *hidden == number) {
            None => Cover::Nothing,
            Some((_, Some(below))) => Cover::Parts(below),
            Some((_, None)) => Cover::Everything,
        }
    }

    /// Whether a field is hidden, or inside one that is.
    pub(crate) fn covers(&self, path: &[u32]) -> bool {
        let [number, inside @ ..] = path else { return false };
        match self.at(*number) {
            Cover::Nothing => false,
            Cover::Parts(below) => below.covers(inside),
            Cover::Everything => true,
        }
    }
}

// === impl Seen ===

impl Seen {
    /// False if it was there already.
    #[inline]
    fn note(&mut self, place: usize) -> bool {
        let bit = 1 << (place % 64);
        let Some(word) = self.0.get_mut(place / 64) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether the text has a field.
    pub(crate) fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}
