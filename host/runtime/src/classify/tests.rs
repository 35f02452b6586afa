use wasmparser::{Validator, WasmFeatures};

use super::*;

/// A component and a module, small enough to try every cut and every flip.
fn programs() -> [Vec<u8>; 2] {
    let component = r#"(component
        (core module (func (export "f")))
        (core instance (instantiate 0))
        (func (canon lift (core func 0 "f")))
        (instance (export "run" (func 0)))
        (export "wasi:cli/run@0.2.6" (instance 0)))"#;
    let module = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call 0 (i32.const 0))))"#;
    [component, module].map(|text| wat::parse_str(text).expect("valid text"))
}

#[test]
fn whole_programs_are_known() {
    let [component, module] = programs();
    assert_eq!(classify(&component), Ok(Kind::Command));
    assert_eq!(classify(&module), Ok(Kind::Module));
}

/// A cut between two sections is for the validator to find, which every program meets when it is
/// compiled.
#[test]
fn no_part_of_a_program_is_taken_for_the_whole() {
    for program in programs() {
        for length in 0..program.len() {
            let part = &program[..length];
            let is_valid = || Validator::new_with_features(WasmFeatures::all()).validate_all(part);
            let taken = classify(part).is_ok() && is_valid().is_ok();
            assert!(!taken, "{length} of {} bytes", program.len());
        }
    }
}

/// Only the absence of a panic is asked for: some flips make another valid program.
#[test]
fn any_flipped_bit_is_survived() {
    for program in programs() {
        for bit in 0..program.len() * 8 {
            let mut flipped = program.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = classify(&flipped);
        }
    }
}

#[test]
fn versions_match_by_their_track() {
    for (name, is_served) in [
        ("wasi:io/poll@0.2.0", true),
        ("wasi:io/poll@0.2.99", true),
        ("wasi:io/poll@0.20.0", false),
        ("wasi:io/poll@0.3.0", false),
        ("wasi:io/poll", false),
        ("wasi:io/polls@0.2.0", false),
        ("wasi:clocks/types@0.3.0", true),
    ] {
        assert_eq!(capability::has_interface(name), is_served, "{name}");
    }
}
