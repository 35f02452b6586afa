//! The label that tells the Pods of one template from those of another: `pod-template-hash`.
//!
//! Its value is part of the names of `ReplicaSets` and Pods, and people and tools write it down. So it
//! is the very value that Kubernetes computes: FNV-1a over the template in the form that the Go
//! formatter `%#v` gives it, see `dump.rs`. A cluster that moves here keeps its `ReplicaSets`.

mod dump;

use k8s_openapi::api::core::v1::PodTemplateSpec;

/// Letters and digits that spell no words.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Equal templates have equal hashes. `collisions` makes another one where a name is taken.
pub(crate) fn template_hash(template: &PodTemplateSpec, collisions: Option<i32>) -> String {
    let tree = serde_json::to_value(template).unwrap_or_default();
    let mut hash = Fnv::default();
    hash.add(dump::template(&tree).as_bytes());
    if let Some(collisions) = collisions {
        hash.add(&collisions.to_le_bytes());
        hash.add(&[0; 4]);
    }
    safe_text(hash.0)
}

/// A number in letters that form no words.
pub(crate) fn safe_text(number: u32) -> String {
    let digits = number.to_string();
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

#[cfg(test)]
mod tests;
