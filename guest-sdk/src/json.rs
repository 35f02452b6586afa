//! JSON as an answer.

/// Answers with a value as JSON.
///
/// ```no_run
/// use skiff_guest::{Json, Request};
///
/// fn primes(_request: Request) -> Json<Vec<u32>> {
///     Json(vec![2, 3, 5, 7])
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);
