//! Random draws that follow from the seed and their subject, so that a restart repeats them.

/// A number that follows from bytes (FNV-1a): mixing for made-up things, not for keys.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A generator of its own for one thing (`about`) and one `purpose`.
pub(super) fn rng(seed: u64, about: u128, purpose: &str) -> fastrand::Rng {
    let mut bytes = [0_u8; 24];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].copy_from_slice(&about.to_le_bytes());
    fastrand::Rng::with_seed(hash(&bytes) ^ hash(purpose.as_bytes()).rotate_left(17))
}
