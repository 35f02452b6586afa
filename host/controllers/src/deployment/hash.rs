//! The label that tells the Pods of one template from those of another.

use k8s_openapi::api::core::v1::PodTemplateSpec;

/// Letters and digits that spell no words.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Equal templates have equal hashes. `collisions` makes another one where a name is taken.
pub(super) fn template_hash(template: &PodTemplateSpec, collisions: Option<i32>) -> String {
    let mut hash = Fnv::default();
    hash.add(&serde_json::to_vec(template).unwrap_or_default());
    if let Some(collisions) = collisions {
        hash.add(&collisions.to_le_bytes());
        hash.add(&[0; 4]);
    }
    let digits = hash.0.to_string();
    digits.bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

/// FNV-1a with 32 bits.
struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x811c_9dc5)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}
