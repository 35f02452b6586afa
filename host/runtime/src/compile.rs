//! Turns WebAssembly into machine code. Slow (milliseconds for Rust, seconds for Python) and on all cores, so it happens on a
//! thread of its own, one program at a time, and its result is kept by `cache.rs`.

use crate::classify::Unsuitable;
use crate::program::{Kind, LoadError};

pub(crate) fn compile(
    engine: &wasmtime::Engine,
    kind: Kind,
    bytes: &[u8],
) -> Result<Vec<u8>, LoadError> {
    let compiled = match kind {
        Kind::Module => engine.precompile_module(bytes),
        Kind::Command | Kind::Http | Kind::HttpAsync => engine.precompile_component(bytes),
    };
    // Validation is part of compilation; its error says where the fault is.
    compiled.map_err(|error| match error.downcast_ref::<wasmparser::BinaryReaderError>() {
        Some(invalid) => {
            let message = invalid.message().to_owned();
            Unsuitable::Invalid { offset: invalid.offset() as u64, message }.into()
        }
        None => LoadError::Compile { source: error.into() },
    })
}
