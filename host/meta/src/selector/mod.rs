//! Selectors over what is kept beside each entry: by labels and by fields.
//!
//! Both parse the texts of `labelSelector` and `fieldSelector` with Kubernetes' grammar and errors.
//! See <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/>.

pub mod field;
pub mod label;
mod label_parse;

#[cfg(test)]
mod tests;
