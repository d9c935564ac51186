//! Client-to-server masking: RFC 6455, 5.3.

/// A masking key. The caller draws it, since "the masking key needs to be unpredictable".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask(pub [u8; 4]);

impl Mask {
    /// The key that changes nothing.
    pub(super) const NONE: Self = Self([0; 4]);

    /// XORs `payload` in place; applying it again restores the payload. `payload` begins with the
    /// key's first byte.
    #[inline]
    pub fn apply(self, payload: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = payload.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
    }

    /// Returns the key for the payload after the first `bytes`.
    pub(super) fn advanced(self, bytes: usize) -> Self {
        let mut key = self.0;
        key.rotate_left(bytes % 4);
        Self(key)
    }
}
