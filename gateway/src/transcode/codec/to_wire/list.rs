//! Lists and maps.

use std::borrow::Cow;

use super::{
    super::{
        plan::{Field, Kind},
        stop::{Stop, Unusual},
        wire,
    },
    Reader,
    message::Given,
};

const TWICE: Stop = Stop::Malformed("a map has a key twice");

// === impl Reader ===

impl Reader<'_> {
    pub(crate) fn list(
        &mut self,
        field: &Field,
        is_packed: bool,
        depth: u8,
    ) -> Result<Given, Stop> {
        let mut elements = self.json.list()?;
        if !is_packed {
            while self.json.element(&mut elements)? {
                self.element(field, depth)?;
            }
            return Ok(Given::Something);
        }
        let before = self.out.len();
        field.put_tag(&mut self.out);
        let start = wire::open(&mut self.out);
        while self.json.element(&mut elements)? {
            self.scalar_value(field.kind)?;
        }
        if self.out.len() == start {
            self.out.truncate(before);
        } else {
            wire::close(&mut self.out, start);
        }
        Ok(Given::Something)
    }

    /// Writes an element of a list, or the value of a map's entry.
    fn element(&mut self, field: &Field, depth: u8) -> Result<Given, Stop> {
        if let Kind::Message(id) = field.kind {
            field.put_tag(&mut self.out);
            self.framed(|reader| reader.message(id, None, depth + 1))?;
            return Ok(Given::Something);
        }
        self.scalar(field, false)
    }

    pub(crate) fn map(&mut self, field: &Field, depth: u8) -> Result<Given, Stop> {
        let Kind::Message(entry) = field.kind else { return Err(Unusual::Unplanned.into()) };
        let plans = self.plans;
        let [key, value] = &*plans.message(entry)?.fields else {
            return Err(Unusual::Unplanned.into());
        };
        if depth >= wire::DEEPEST {
            return Err(Stop::TOO_DEEP);
        }
        let mut keys = Vec::new();
        let mut members = self.json.object()?;
        while let Some(name) = self.json.key(&mut members)? {
            let before = self.out.len();
            field.put_tag(&mut self.out);
            let start = wire::open(&mut self.out);
            let name = self.key(key, name)?;
            let given = self.element(value, depth + 1)?;
            if given == Given::Something {
                wire::close(&mut self.out, start);
                keys.push(name);
            } else {
                self.out.truncate(before);
            }
        }
        keys.sort_unstable();
        let is_twice = keys.windows(2).any(|pair| pair.first() == pair.last());
        if is_twice { Err(TWICE) } else { Ok(Given::Something) }
    }

    /// Writes a key and returns what it is written as, which is the same for the
    /// same key.
    fn key<'k>(&mut self, field: &Field, name: Cow<'k, str>) -> Result<Cow<'k, [u8]>, Stop> {
        field.put_tag(&mut self.out);
        let start = self.out.len();
        match field.kind {
            Kind::Text => {
                wire::put_bytes(&mut self.out, name.as_bytes());
                return Ok(match name {
                    Cow::Borrowed(name) => Cow::Borrowed(name.as_bytes()),
                    Cow::Owned(name) => Cow::Owned(name.into_bytes()),
                });
            }
            Kind::Bool => {
                let is_true = name == "true";
                if !is_true && name != "false" {
                    return Err(Stop::Malformed("a key is neither true nor false"));
                }
                self.out.push(u8::from(is_true));
            }
            kind => self.number_in_text(kind, &name).map(drop)?,
        }
        Ok(Cow::Owned(self.out.get(start..).unwrap_or_default().to_owned()))
    }
}
