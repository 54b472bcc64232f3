//! Numbers that look random and are the same in every run of a seed.

/// A generator (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

// === impl Random ===

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// Bytes of any value.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// Letters and digits that no other input has.
    pub(crate) fn word(&mut self) -> String {
        format!("{:x}", self.next() >> 24)
    }

    /// Changes a few bytes of something that is well formed.
    pub(crate) fn spoil(&mut self, bytes: &mut Vec<u8>) {
        const LIKED: &[u8] = b"\0\r\n\t :;,/\\%\"'{}[]()<>#?&=+-.0\x7f\x80\xff";
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len().max(1));
            let byte = if self.once_in(3) { self.byte() } else { LIKED[self.below(LIKED.len())] };
            match self.below(5) {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 => bytes.truncate(at),
                2 if at < bytes.len() => {
                    let end = (at + self.below(16)).min(bytes.len());
                    bytes.extend_from_within(at..end);
                }
                3 if at < bytes.len() => bytes[at] = byte,
                _ => bytes.insert(at.min(bytes.len()), byte),
            }
        }
    }
}
