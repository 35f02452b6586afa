//! CEL, the language of policies and validation rules, with the functions that Kubernetes adds to it.
//!
//! An [`Environment`] says what an expression may name; it compiles text into a [`Program`], whose types were checked; an [`Activation`] has
//! the values of variables and evaluates programs, counting what they cost. The grammar is that of the crate `cel`; the checker and the
//! evaluator are ours, since they must say what Kubernetes says and stop when an expression does too much.
//!
//! Everything is pure: what an expression asks of the outside ([`Error::Ask`]) ends its evaluation, to be begun anew with the answer.
//! This room knows no kind and no request. What an admission policy may name is in [`admission`], what a request for
//! devices in [`devices`].
//!
//! See <https://kubernetes.io/docs/reference/using-api/cel/>.

pub mod admission;
mod check;
mod cost;
pub mod devices;
mod environment;
mod eval;
mod issue;
mod library;
mod macros;
mod parse;
mod program;
mod re2;
mod types;
mod value;

pub use cost::{Extent, Parts};
pub use environment::Environment;
pub use eval::{Activation, Composition, Error, TOTAL_COST_MAX};
pub use issue::{Issue, Issues};
pub use library::authorizer::{AUTHORIZER, Answer, Check, Question, RESOURCE_CHECK};
pub use parse::RESERVED;
pub use program::Program;
pub use re2::{Pattern, PatternError};
pub use types::{Fields, Struct, Type};
pub use value::{Key, List, ListKind, Record, ToJsonError, Value};

#[cfg(test)]
mod tests;
