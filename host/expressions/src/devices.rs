//! What conditions on devices may name, and which type they must have.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/>.

use std::sync::LazyLock;

use crate::environment::Environment;
use crate::program::Program;
use crate::types::Type;

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let named = |of| Type::map(Type::String, Type::map(Type::String, of));
    let device = Type::record(
        "kubernetes.DRADevice",
        [
            ("driver", Type::String),
            ("attributes", named(Type::Dyn)),
            ("capacity", named(Type::Opaque("kubernetes.Quantity"))),
            ("allowMultipleAllocations", Type::Bool),
        ],
    );
    Environment::new().with("device", device)
});

/// Compiles a condition; what is wrong is told as Kubernetes does.
pub fn compile(text: &str) -> Result<Program, String> {
    let program =
        ENVIRONMENT.compile(text).map_err(|issues| format!("compilation failed: {issues}"))?;
    match program.result() {
        Type::Bool | Type::Dyn => Ok(program),
        other => {
            Err(format!("must evaluate to bool or the unknown type, not {}", other.long_name()))
        }
    }
}
