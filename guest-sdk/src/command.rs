//! Ends of commands that `main` cannot express.

/// Ends the program with any code. `std::process::exit` knows only success and failure in WASI 0.2.
///
/// ```no_run
/// let found = std::env::args().len() > 1;
/// if !found {
///     skiff_guest::exit(2);
/// }
/// ```
pub fn exit(code: u8) -> ! {
    wasip2::cli::exit::exit_with_code(code);
    unreachable!("the host ends the instance")
}
