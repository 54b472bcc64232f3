//! JSON text, read and written piece by piece (RFC 8259).

mod cursor;
mod escapes;
mod number;
mod text;

pub(crate) use self::{
    cursor::Cursor,
    number::{put_float, put_integer, put_single, put_wide},
    text::put_text,
};

#[cfg(test)]
mod tests;
