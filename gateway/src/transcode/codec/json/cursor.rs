//! A place in a JSON text that only moves forward.

use std::borrow::Cow;

use super::{super::stop::Stop, text::plain_length};

/// Far deeper than any message of the contract.
const DEEPEST: u8 = 100;

/// A JSON text and how far it has been read.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    depth: u8,
}

/// Where in an object or a list the cursor is.
#[derive(Debug)]
pub(crate) struct Members {
    is_first: bool,
}

pub(super) const MALFORMED: Stop = Stop::Malformed("it is not valid JSON");

// === impl Cursor ===

impl<'a> Cursor<'a> {
    /// Starts at the beginning.
    pub(crate) fn new(text: &'a [u8]) -> Result<Self, Stop> {
        let text = std::str::from_utf8(text).map_err(|_not_utf8| Stop::NOT_UTF8)?;
        Ok(Self { text, at: 0, depth: 0 })
    }

    /// The first byte of what comes next.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                _ => return Some(*byte),
            }
        }
        None
    }

    #[inline]
    fn take(&mut self, wanted: u8) -> Result<(), Stop> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            return Ok(());
        }
        Err(MALFORMED)
    }

    /// Nothing but blanks must be left.
    pub(crate) fn end(&mut self) -> Result<(), Stop> {
        if self.peek().is_none() { Ok(()) } else { Err(MALFORMED) }
    }

    /// Enters an object.
    pub(crate) fn object(&mut self) -> Result<Members, Stop> {
        self.enter(b'{')
    }

    /// Enters a list.
    pub(crate) fn list(&mut self) -> Result<Members, Stop> {
        self.enter(b'[')
    }

    fn enter(&mut self, opening: u8) -> Result<Members, Stop> {
        self.take(opening)?;
        self.depth += 1;
        if self.depth > DEEPEST { Err(Stop::TOO_DEEP) } else { Ok(Members { is_first: true }) }
    }

    /// Moves to the value of an object's next member and returns its key; none at
    /// the end, which it leaves behind.
    pub(crate) fn key(&mut self, members: &mut Members) -> Result<Option<Cow<'a, str>>, Stop> {
        if self.member(members)? { self.any_key().map(Some) } else { Ok(None) }
    }

    /// Moves to the key of an object's next member; false at the end, which it
    /// leaves behind.
    #[inline]
    pub(crate) fn member(&mut self, members: &mut Members) -> Result<bool, Stop> {
        self.next(members, b'}')
    }

    /// Passes over a key in quotes and its colon if they are written just like this.
    #[inline]
    pub(crate) fn expected_key(&mut self, key: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_there = rest.starts_with(key);
        self.at += if is_there { key.len() } else { 0 };
        is_there
    }

    /// Reads a key and its colon.
    pub(crate) fn any_key(&mut self) -> Result<Cow<'a, str>, Stop> {
        let key = self.string()?;
        self.take(b':')?;
        Ok(key)
    }

    /// Moves to the next element of a list; false at the end, which it leaves behind.
    pub(crate) fn element(&mut self, elements: &mut Members) -> Result<bool, Stop> {
        self.next(elements, b']')
    }

    fn next(&mut self, members: &mut Members, closing: u8) -> Result<bool, Stop> {
        let is_first = std::mem::replace(&mut members.is_first, false);
        match self.peek() {
            Some(byte) if byte == closing => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                // A comma is followed by something.
                if self.peek() == Some(closing) { Err(MALFORMED) } else { Ok(true) }
            }
            Some(_) if is_first => Ok(true),
            _ => Err(MALFORMED),
        }
    }

    /// Reads `null`, `true` or `false`.
    pub(crate) fn word(&mut self, word: &str) -> Result<(), Stop> {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(MALFORMED)
    }

    /// Reads true or false.
    pub(crate) fn boolean(&mut self) -> Result<bool, Stop> {
        let is_true = self.peek() == Some(b't');
        self.word(if is_true { "true" } else { "false" }).map(|()| is_true)
    }

    /// Reads a number and returns its text.
    pub(crate) fn number(&mut self) -> Result<&'a str, Stop> {
        self.peek();
        let start = self.at;
        self.skip_byte(b"-");
        if !self.skip_byte(b"0") && self.skip_digits() == 0 {
            return Err(MALFORMED);
        }
        if self.skip_byte(b".") && self.skip_digits() == 0 {
            return Err(MALFORMED);
        }
        if self.skip_byte(b"eE") {
            self.skip_byte(b"+-");
            if self.skip_digits() == 0 {
                return Err(MALFORMED);
            }
        }
        self.text.get(start..self.at).ok_or(MALFORMED)
    }

    pub(super) fn skip_byte(&mut self, wanted: &[u8]) -> bool {
        let is_there = self.text.as_bytes().get(self.at).is_some_and(|byte| wanted.contains(byte));
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_digits(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    /// Reads a text in quotes, without a copy if nothing in it is escaped.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Stop> {
        if let Some(text) = self.plain_string()? {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = Vec::new();
        self.escaped_string(&mut text)?;
        String::from_utf8(text).map(Cow::Owned).map_err(|_not_utf8| Stop::NOT_UTF8)
    }

    /// Reads a text in quotes if nothing in it is escaped; otherwise nothing but
    /// the first quote is read.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Result<Option<&'a str>, Stop> {
        self.take(b'"')?;
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = plain_length(rest);
        if rest.get(length) != Some(&b'"') {
            return Ok(None);
        }
        let text = self.text.get(self.at..self.at + length).ok_or(MALFORMED)?;
        self.at += length + 1;
        Ok(Some(text))
    }

    /// Passes over a value.
    pub(crate) fn skip(&mut self) -> Result<(), Stop> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') => {
                let mut members = self.object()?;
                while self.key(&mut members)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'[') => {
                let mut elements = self.list()?;
                while self.element(&mut elements)? {
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'n') => self.word("null"),
            Some(b't' | b'f') => self.boolean().map(drop),
            _ => self.number().map(drop),
        }
    }
}
