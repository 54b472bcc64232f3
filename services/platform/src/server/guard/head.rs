//! Request heads of HTTP/1, read strictly (RFC 9112): a subset of what hyper
//! takes, so that hyper never refuses one by itself and two programs never read
//! one differently.

use http::Uri;

use super::fault::Fault;

const LONGEST_TARGET: usize = 8 * 1024;
/// A target with its method and version.
const LONGEST_FIRST_LINE: usize = LONGEST_TARGET + 48;
const LONGEST_METHOD: usize = 32;
const LONGEST: usize = 16 * 1024;
const MOST_FIELDS: usize = 64;
/// Empty lines before a head: what some clients send after a body.
const MOST_BLANKS: usize = 2;
/// More would not fit a number.
const MOST_DIGITS: usize = 18;

static TOKEN: [bool; 256] = set(b"!#$%&'*+-.^_`|~");
/// What any target may hold, whoever reads it.
static PLAIN: [bool; 256] = set(b"/-._~%?=&:,@+!$'()*;");

/// How the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With its last chunk.
    Chunked,
}

/// A head that is being read. Each byte is looked at once, however few come at a
/// time.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Where the current line begins.
    line: usize,
    /// Up to where there is no end of the current line.
    searched: usize,
    blanks: usize,
    is_begun: bool,
    is_old: bool,
    fields: usize,
    hosts: usize,
    length: Option<u64>,
    is_chunked: bool,
}

// === impl Head ===

impl Head {
    /// Reads on; `bytes` begins where the head does and has grown since.
    ///
    /// Returns the length of the head and what follows once it is complete.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Option<(usize, Framing)>, Fault> {
        loop {
            let rest = bytes.get(self.searched..).unwrap_or_default();
            let Some(found) = find(rest, b'\n') else {
                self.searched = bytes.len();
                return self.check_size(bytes.len()).map(|()| None);
            };
            let end = self.searched + found;
            let line = bytes.get(self.line..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").ok_or(Fault::LineEnd)?;
            self.line = end + 1;
            self.searched = self.line;
            self.check_size(self.line)?;
            match (self.is_begun, line.is_empty()) {
                (false, true) => self.count_blank()?,
                (false, false) => self.first_line(line)?,
                (true, false) => self.field(line)?,
                (true, true) => return self.framing().map(|framing| Some((self.line, framing))),
            }
        }
    }

    fn check_size(&self, length: usize) -> Result<(), Fault> {
        if !self.is_begun && length > LONGEST_FIRST_LINE {
            return Err(Fault::LongTarget);
        }
        if length > LONGEST { Err(Fault::LongHead) } else { Ok(()) }
    }

    fn count_blank(&mut self) -> Result<(), Fault> {
        self.blanks += 1;
        if self.blanks > MOST_BLANKS { Err(Fault::RequestLine) } else { Ok(()) }
    }

    fn first_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.is_begun = true;
        if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(if line.contains(&b'\r') { Fault::LineEnd } else { Fault::RequestLine });
        }
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Fault::RequestLine);
        };
        if !(1..=LONGEST_METHOD).contains(&method.len()) || !method.iter().copied().all(is_token) {
            return Err(Fault::Method);
        }
        if target.len() > LONGEST_TARGET {
            return Err(Fault::LongTarget);
        }
        if !is_target(method, target) {
            return Err(Fault::Target);
        }
        self.is_old = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Fault::Version),
        };
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > MOST_FIELDS {
            return Err(Fault::ManyFields);
        }
        check_field(line)?;
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or_default();
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.hosts += 1;
                if self.hosts > 1 { Err(Fault::TwoHosts) } else { Ok(()) }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.read_length(trim(value)),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let is_known = trim(value).eq_ignore_ascii_case(b"chunked") && !self.is_chunked;
                self.is_chunked = true;
                if is_known { Ok(()) } else { Err(Fault::Coding) }
            }
            _ => Ok(()),
        }
    }

    fn read_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.length.is_some() {
            return Err(Fault::TwoLengths);
        }
        let is_number =
            (1..=MOST_DIGITS).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let digits = value.iter().map(|digit| u64::from(digit - b'0'));
        self.length = is_number.then(|| digits.fold(0, |number, digit| number * 10 + digit));
        self.length.map(|_| ()).ok_or(Fault::Length)
    }

    fn framing(&self) -> Result<Framing, Fault> {
        if self.hosts == 0 && !self.is_old {
            return Err(Fault::NoHost);
        }
        match (self.is_chunked, self.length) {
            (true, Some(_)) => Err(Fault::LengthAndCoding),
            (true, None) if self.is_old => Err(Fault::OldCoding),
            (true, None) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Length(length.unwrap_or_default())),
        }
    }
}

/// Checks one header, of a head or after the last chunk.
pub(super) fn check_field(line: &[u8]) -> Result<(), Fault> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(Fault::Fold);
    }
    let colon = line.iter().position(|byte| !is_token(*byte)).unwrap_or(line.len());
    match line.split_at_checked(colon) {
        Some((name, [b':', value @ ..])) if !name.is_empty() => {
            let is_odd = |byte: u8| (byte < b' ' || byte == 0x7f) && byte != b'\t';
            // Without a way out in the middle, which keeps it fast.
            if value.iter().fold(0, |any, byte| any | u8::from(is_odd(*byte))) == 0 {
                Ok(())
            } else if value.contains(&b'\r') {
                Err(Fault::LineEnd)
            } else {
                Err(Fault::Control)
            }
        }
        _ => Err(Fault::Name),
    }
}

/// Where a byte is, looked for in pieces that a processor compares at once.
fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    let (pieces, rest) = bytes.as_chunks::<32>();
    let holds =
        |piece: &[u8; 32]| piece.iter().fold(0, |any, byte| any | u8::from(*byte == wanted)) > 0;
    let before = pieces.iter().position(holds).unwrap_or(pieces.len()) * 32;
    let rest = bytes.get(before..).unwrap_or(rest);
    rest.iter().position(|byte| *byte == wanted).map(|at| before + at)
}

/// What follows the colon, without the space around it.
fn trim(value: &[u8]) -> &[u8] {
    value.strip_prefix(b":").unwrap_or(value).trim_ascii()
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)).is_some_and(|is_token| *is_token)
}

/// Which bytes a set has: every letter and digit, and some others.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it, and would refuse it")]
const fn set(others: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        set[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        set[others[at] as usize] = true;
        at += 1;
    }
    set
}

fn is_target(method: &[u8], target: &[u8]) -> bool {
    let is_plain = |byte: &u8| PLAIN.get(usize::from(*byte)).is_some_and(|is_plain| *is_plain);
    let is_path = target.starts_with(b"/") && method != b"CONNECT";
    if is_path && target.iter().all(is_plain) {
        return true;
    }
    // hyper drops what follows `#`, and others may not.
    if target.contains(&b'#') {
        return false;
    }
    let Ok(uri) = Uri::try_from(target) else { return false };
    match method {
        b"CONNECT" => uri.authority().is_some() && uri.path().is_empty(),
        b"OPTIONS" if target == b"*" => true,
        _ => is_path || uri.scheme().is_some(),
    }
}

#[cfg(test)]
#[path = "tests/head.rs"]
mod tests;
