//! Feature hashing: names into a fixed number of signed buckets.
//!
//! Border: bytes in, numbers out. MurmurHash3 x86 32-bit as published by Austin Appleby (public domain), which is what feature hashers elsewhere use.

/// MurmurHash3, x86, 32 bits.
#[must_use]
pub fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let scramble = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash = (hash ^ scramble(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let rest = tail.iter().rev().fold(0_u32, |word, &byte| word << 8 | u32::from(byte));
    hash ^= scramble(rest) ^ bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

/// Bucket and sign of a name: the hash (seed 0) read as a signed number, `|h| mod buckets`, and its sign.
#[must_use]
pub fn bucket(name: &str, buckets: usize) -> (usize, f32) {
    let hash = murmur3(name.as_bytes(), 0).cast_signed();
    (hash.unsigned_abs() as usize % buckets.max(1), if hash >= 0 { 1.0 } else { -1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference vectors of the algorithm.
    #[test]
    fn murmur3_vectors() {
        for (text, seed, hash) in [
            ("", 0, 0),
            ("", 1, 0x514e_28b7),
            ("", 0xffff_ffff, 0x81f1_6f39),
            ("\0\0\0\0", 0, 0x2362_f9de),
            ("aaaa", 0x9747_b28c, 0x5a97_808a),
            ("aaa", 0x9747_b28c, 0x283e_0130),
            ("aa", 0x9747_b28c, 0x5d21_1726),
            ("a", 0x9747_b28c, 0x7fa0_9ea6),
            ("Hello, world!", 0x9747_b28c, 0x2488_4cba),
        ] {
            assert_eq!(murmur3(text.as_bytes(), seed), hash, "{text:?}");
        }
    }

    #[test]
    fn published_buckets_of_process_names() {
        for (name, place, sign) in [
            ("cmd.exe", 1, -1.0),
            ("conhost.exe", 0, -1.0),
            ("svchost.exe", 1, 1.0),
            ("werfault.exe", 1, -1.0),
            ("whoami.exe", 14, -1.0),
            ("net.exe", 5, 1.0),
            ("ver.exe", 0, 1.0),
            ("query.exe", 14, 1.0),
            ("sc.exe", 2, 1.0),
        ] {
            assert_eq!(bucket(name, 16), (place, sign), "{name}");
        }
    }
}
