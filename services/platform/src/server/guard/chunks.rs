//! Chunked bodies, followed to their end: a subset of what hyper takes.

use super::{fault::Fault, head::check_field};

/// More would be 2^60 bytes.
const MOST_DIGITS: u8 = 15;
const MOST_TRAILERS: usize = 64;
const LONGEST_TRAILERS: usize = 8 * 1024;
/// What extensions of all chunks together may take: nobody uses them.
const LONGEST_EXTENSIONS: usize = 1024;

/// A chunked body that is being followed.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    state: State,
    digits: u8,
    left: u64,
    extensions: usize,
    trailers: usize,
    trailer_bytes: usize,
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Extension,
    SizeEnd,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerEnd,
    Done,
}

// === impl Chunks ===

impl Chunks {
    /// Whether the body is complete.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Follows more of the body; returns how many of the bytes belong to it.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).filter(|_| !self.is_done()) {
            if self.state == State::Data {
                let there = bytes.len() - at;
                let taken = usize::try_from(self.left).map_or(there, |left| left.min(there));
                self.left -= taken as u64;
                at += taken;
                if self.left == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.state = self.step(*byte)?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<State, Fault> {
        match (self.state, byte) {
            (State::Size, b'\r') if self.digits > 0 => Ok(State::SizeEnd),
            (State::Size, b';') if self.digits > 0 => Ok(State::Extension),
            (State::Size, _) => self.digit(byte),
            (State::Extension, b'\r') => Ok(State::SizeEnd),
            (State::Extension, b' '..=b'~' | b'\t') => {
                self.extensions += 1;
                if self.extensions > LONGEST_EXTENSIONS {
                    Err(Fault::Length)
                } else {
                    Ok(State::Extension)
                }
            }
            (State::SizeEnd, b'\n') => {
                Ok(if self.left == 0 { State::Trailer } else { State::Data })
            }
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => {
                self.digits = 0;
                Ok(State::Size)
            }
            (State::Trailer, b'\r') => Ok(State::TrailerEnd),
            (State::Trailer, b'\n') => Err(Fault::LineEnd),
            (State::Trailer, _) => self.trailer(byte),
            (State::TrailerEnd, b'\n') => self.end_trailer(),
            _ => Err(Fault::LineEnd),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<State, Fault> {
        self.digits += 1;
        let digit = char::from(byte).to_digit(16).ok_or(Fault::Length)?;
        if self.digits > MOST_DIGITS {
            return Err(Fault::Length);
        }
        self.left = self.left * 16 + u64::from(digit);
        Ok(State::Size)
    }

    fn trailer(&mut self, byte: u8) -> Result<State, Fault> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > LONGEST_TRAILERS {
            return Err(Fault::LongHead);
        }
        self.line.push(byte);
        Ok(State::Trailer)
    }

    fn end_trailer(&mut self) -> Result<State, Fault> {
        if self.line.is_empty() {
            return Ok(State::Done);
        }
        self.trailers += 1;
        if self.trailers > MOST_TRAILERS {
            return Err(Fault::ManyFields);
        }
        check_field(&self.line)?;
        self.line.clear();
        Ok(State::Trailer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(body: &str) -> Result<Option<usize>, Fault> {
        let mut chunks = Chunks::default();
        let whole = chunks.follow(body.as_bytes()).map(|at| chunks.is_done().then_some(at));
        // The same byte by byte.
        let (mut chunks, mut taken) = (Chunks::default(), 0);
        let dripped = body.bytes().try_for_each(|byte| {
            taken += chunks.follow(&[byte])?;
            Ok(())
        });
        assert_eq!(whole, dripped.map(|()| chunks.is_done().then_some(taken)), "{body:?}");
        whole
    }

    #[test]
    fn bodies_end_where_hyper_ends_them() {
        for (body, length) in [
            ("0\r\n\r\n", 5),
            ("3\r\nabc\r\n0\r\n\r\n", 13),
            ("A\r\n0123456789\r\n0\r\n\r\nGET /", 20),
            ("000a\r\n0123456789\r\n0\r\n\r\n", 23),
            ("1;a=b\r\nx\r\n0;c\r\n\r\n", 17),
            ("0\r\nx: y\r\nz: w\r\n\r\nmore", 17),
        ] {
            assert_eq!(followed(body), Ok(Some(length)), "{body:?}");
        }
        for open in ["", "1", "1\r\n", "1\r\nx", "0\r\n", "0\r\nx: y\r\n", "0\r\n\r"] {
            assert_eq!(followed(open), Ok(None), "{open:?}");
        }
    }

    #[test]
    fn bodies_with_two_readings_are_refused() {
        for body in [
            "\r\n",
            "x\r\n",
            " 1\r\nx",
            "1 \r\nx",
            "1\nx",
            "+1\r\nx",
            "-1\r\nx",
            "0x1\r\nx",
            "1_0\r\n",
            "1\r\nxy\r\n",
            "1\r\nx\n0\r\n\r\n",
            "1;a\nx",
            "1;a\r\rx",
            "1;\0\r\n",
            "0\r\n\n",
            "0\r\n x\r\n",
            "0\r\nx y\r\n",
            "0\r\nx: \0\r\n",
            "0\r\n\rx",
            "0000000000000001\r\nx",
            "ffffffffffffffff\r\n",
        ] {
            assert!(followed(body).is_err(), "{body:?}");
        }
        let long = format!("1;{}\r\n", "a".repeat(LONGEST_EXTENSIONS + 1));
        assert!(followed(&long).is_err());
        let many = format!("0\r\n{}", "x: y\r\n".repeat(MOST_TRAILERS + 1));
        assert_eq!(followed(&many), Err(Fault::ManyFields));
        let long = format!("0\r\nx: {}", "y".repeat(LONGEST_TRAILERS));
        assert_eq!(followed(&long), Err(Fault::LongHead));
    }
}
