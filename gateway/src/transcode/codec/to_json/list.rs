//! Lists and maps.

use super::{
    super::{
        plan::{Field, Kind, MessageId},
        stop::{Stop, Unusual},
        wire::{self, Tag, WireType},
    },
    Writer,
};

/// The key of a map, to notice one that is there twice.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Text(&'a [u8]),
    Number(u64),
}

/// The parts of an entry, if they are there.
struct Entry<'a> {
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

// === impl Writer ===

impl Writer<'_> {
    /// Writes a list up to the first value that is not its own; true if it is empty.
    pub(crate) fn list(
        &mut self,
        field: &Field,
        tag: Tag,
        wire: &mut &[u8],
        depth: u8,
    ) -> Result<bool, Stop> {
        self.out.push(b'[');
        let start = self.out.len();
        let mut next = Some(tag.wire_type);
        while let Some(wire_type) = next {
            if wire_type == field.kind.wire_type() {
                self.separate(start);
                self.value(field.kind, wire, depth)?;
            } else if wire_type == WireType::Length {
                let mut numbers = wire::bytes(wire)?;
                while !numbers.is_empty() {
                    self.separate(start);
                    self.value(field.kind, &mut numbers, depth)?;
                }
            } else {
                return Err(Unusual::WireType.into());
            }
            next = wire::next_of(field.number, wire)?;
        }
        let is_empty = self.out.len() == start;
        self.out.push(b']');
        Ok(is_empty)
    }

    /// Writes a map up to the first value that is not its own.
    pub(crate) fn map(
        &mut self,
        field: &Field,
        tag: Tag,
        wire: &mut &[u8],
        depth: u8,
    ) -> Result<(), Stop> {
        let Kind::Message(entry) = field.kind else { return Err(Unusual::Unplanned.into()) };
        if depth >= wire::DEEPEST {
            return Err(Stop::TOO_DEEP);
        }
        self.out.push(b'{');
        let start = self.out.len();
        let mut keys = Vec::new();
        let mut next = Some(tag.wire_type);
        while let Some(wire_type) = next {
            if wire_type != WireType::Length {
                return Err(Unusual::WireType.into());
            }
            self.separate(start);
            keys.push(self.entry(entry, wire::bytes(wire)?, depth + 1)?);
            next = wire::next_of(field.number, wire)?;
        }
        self.out.push(b'}');
        keys.sort_unstable();
        let is_twice = keys.windows(2).any(|pair| pair.first() == pair.last());
        if is_twice { Err(Unusual::MapEntry.into()) } else { Ok(()) }
    }

    fn entry<'w>(&mut self, id: MessageId, wire: &'w [u8], depth: u8) -> Result<Key<'w>, Stop> {
        let message = self.plans.message(id)?;
        let [key, value] = &*message.fields else { return Err(Unusual::Unplanned.into()) };
        let entry = Entry::read(wire, key, value)?;
        let text = entry.key.unwrap_or(match key.kind.wire_type() {
            WireType::Fixed64 => &[0; 8],
            WireType::Fixed32 => &[0; 4],
            _ => &[0],
        });
        self.key(key.kind, text)?;
        self.out.push(b':');
        match (entry.value, value.kind) {
            (Some(mut wire), kind) => self.value(kind, &mut wire, depth).map(drop)?,
            (None, Kind::Message(id)) => self.message(id, &[], depth + 1)?,
            (None, _) => self.out.extend_from_slice(&message.zero),
        }
        Key::read(key.kind, text)
    }

    /// Keys are texts, whatever they are made of.
    fn key(&mut self, kind: Kind, mut wire: &[u8]) -> Result<(), Stop> {
        let start = self.out.len();
        self.value(kind, &mut wire, 0)?;
        if self.out.get(start) != Some(&b'"') {
            self.out.insert(start, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }
}

// === impl Entry ===

impl<'a> Entry<'a> {
    fn read(mut wire: &'a [u8], key: &Field, value: &Field) -> Result<Self, Stop> {
        let mut entry = Self { key: None, value: None };
        while !wire.is_empty() {
            let tag = wire::tag(&mut wire)?;
            let before = wire;
            wire::skip(&mut wire, tag.wire_type)?;
            let part = before.get(..before.len() - wire.len());
            let (field, room) = match tag.number {
                1 => (key, &mut entry.key),
                2 => (value, &mut entry.value),
                _ => return Err(Unusual::MapEntry.into()),
            };
            let is_odd = tag.wire_type != field.kind.wire_type();
            if is_odd || std::mem::replace(room, part).is_some() {
                return Err(Unusual::MapEntry.into());
            }
        }
        Ok(entry)
    }
}

// === impl Key ===

impl<'a> Key<'a> {
    fn read(kind: Kind, mut wire: &'a [u8]) -> Result<Self, Stop> {
        Ok(match (kind, kind.wire_type()) {
            (Kind::Text, _) => Self::Text(wire::bytes(&mut wire)?),
            (Kind::Bool, _) => Self::Number(u64::from(wire::varint(&mut wire)? != 0)),
            (Kind::Int64 | Kind::Uint64 | Kind::Sint64, _) => {
                Self::Number(wire::varint(&mut wire)?)
            }
            (_, WireType::Varint) => Self::Number(u64::from(wire::low(wire::varint(&mut wire)?))),
            _ => Self::Text(wire),
        })
    }
}
