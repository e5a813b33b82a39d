//! The hash that identifies texts and questions. It never changes, because ledgers hold it.

/// The first 128 bits of BLAKE3.
pub fn hash128(bytes: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    hash
}
