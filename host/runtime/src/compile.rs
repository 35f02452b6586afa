//! Turns WebAssembly into machine code. Slow (milliseconds for Rust, seconds for Python) and on all
//! cores, so it happens on a thread of its own, one program at a time, and its result is kept by
//! `cache.rs`.

use wasmparser::{Validator, WasmFeatures};

use crate::classify::Unsuitable;
use crate::program::{Kind, LoadError};

pub(crate) fn compile(
    engine: &wasmtime::Engine,
    kind: Kind,
    bytes: &[u8],
) -> Result<Vec<u8>, LoadError> {
    let compiled = match kind {
        Kind::Module => engine.precompile_module(bytes),
        Kind::Command | Kind::CommandAsync | Kind::Http | Kind::HttpAsync => {
            engine.precompile_component(bytes)
        }
    };
    // The compiler validates as it goes and says what is wrong; only a validator says where.
    compiled.map_err(|error| {
        let validated = Validator::new_with_features(WasmFeatures::all()).validate_all(bytes);
        match validated {
            Err(invalid) => Unsuitable::from(invalid).into(),
            Ok(_) => LoadError::Compile { source: error.into() },
        }
    })
}
