//! Keys that are digests of what they stand for.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Whether a key is the SHA-256 of parts written one after another, in lower-case hexadecimal digits,
/// with or without `sha256:` before them.
pub(super) fn is_digest_of(key: &str, parts: &[&str]) -> bool {
    key.strip_prefix("sha256:").unwrap_or(key) == sha256(parts)
}

/// The SHA-256 of parts written one after another: 64 lower-case hexadecimal digits.
pub(super) fn sha256(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4, the examples of one and of two blocks.
    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(
            sha256(&["a", "", "bc"]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            sha256(&[
                "abcdbcdecdefdefgefghfghighij",
                "hijkijkljklmklmnlmnomnopnopq"
            ]),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
    }

    #[test]
    fn a_key_may_say_how_it_was_made_and_nothing_else() {
        let digest = sha256(&["abc"]);
        assert!(is_digest_of(&digest, &["ab", "c"]));
        assert!(is_digest_of(&format!("sha256:{digest}"), &["abc"]));
        for other in [
            digest.to_uppercase(),
            format!("sha256({digest})"),
            String::new(),
        ] {
            assert!(!is_digest_of(&other, &["abc"]), "{other}");
        }
    }
}
