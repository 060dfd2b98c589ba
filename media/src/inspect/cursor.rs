//! Reading bytes from front to back, never beyond their end.

use domain::Rejection;

/// What is said of bytes that end too early.
pub(crate) const CUT_OFF: Rejection = Rejection::MediumBroken { what: "it is cut off" };

/// What is said of bytes that are wrong in some way.
pub(crate) fn broken(what: &'static str) -> Rejection {
    Rejection::MediumBroken { what }
}

/// A place in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Everything from some place on up to here.
    pub(crate) fn since(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Rejection> {
        let taken = self.rest().get(..count).ok_or(CUT_OFF)?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Rejection> {
        let taken = self.rest().first_chunk::<N>().copied().ok_or(CUT_OFF)?;
        self.at += N;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Rejection> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, Rejection> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u16_le(&mut self) -> Result<u16, Rejection> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32_be(&mut self) -> Result<u32, Rejection> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, Rejection> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64_be(&mut self) -> Result<u64, Rejection> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn u64_le(&mut self) -> Result<u64, Rejection> {
        self.array().map(u64::from_le_bytes)
    }

    /// A name of four letters.
    pub(crate) fn name(&mut self) -> Result<[u8; 4], Rejection> {
        self.array()
    }
}
