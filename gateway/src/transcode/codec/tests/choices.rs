//! Bytes as decisions, so that proptest can make a failing case smaller.

/// Decisions that are left; when there are none, each is the first choice.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

// === impl Choices ===

impl Choices<'_> {
    /// Any byte.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    /// Any number, most often a small one.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() % 8 {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << (self.byte() % 64),
            3 => (1 << (self.byte() % 64)) - 1,
            4 => self.bits(),
            5 => u64::from(u32::MAX),
            _ => u64::from(self.byte()),
        }
    }

    /// Any 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below another, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let wide = usize::from(u16::from_le_bytes([self.byte(), self.byte()]));
        if end <= 256 { wide % 256 % end } else { wide % end }
    }

    /// True, once in so many times.
    pub(crate) fn once_in(&mut self, times: u8) -> bool {
        let byte = self.byte();
        byte != 0 && byte.is_multiple_of(times)
    }

    /// One of some.
    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}
