//! Reading numbers and ranges out of bytes that may end anywhere.

/// `len` bytes from `offset`, or `None` where they are not all there.
pub(crate) fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
}

/// The part of `len` bytes from `offset` that is there.
pub(crate) fn available(bytes: &[u8], offset: u64, len: u64) -> &[u8] {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(clamp(offset)..clamp(offset.saturating_add(len))).unwrap_or_default()
}

macro_rules! readers {
    ($($name:ident $type:ty, $from:ident;)*) => { $(
        pub(crate) fn $name(bytes: &[u8], offset: u64) -> Option<$type> {
            let bytes = slice(bytes, offset, size_of::<$type>() as u64)?;
            Some(<$type>::$from(bytes.try_into().ok()?))
        }
    )* };
}

readers! {
    be_u16 u16, from_be_bytes;
    be_u32 u32, from_be_bytes;
    be_u64 u64, from_be_bytes;
    le_u16 u16, from_le_bytes;
    le_u32 u32, from_le_bytes;
    le_u64 u64, from_le_bytes;
}
