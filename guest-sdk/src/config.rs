//! Configuration: the variables of the container's environment, typed.
//!
//! ```no_run
//! use skiff_guest::{Result, config};
//!
//! fn main() -> Result<()> {
//!     let greeting: String = config::get("GREETING")?;
//!     let retries: u32 = config::get_or("RETRIES", 3)?;
//!     for _ in 0..retries {
//!         println!("{greeting}");
//!     }
//!     Ok(())
//! }
//! ```

use std::env;
use std::fmt::Display;
use std::str::FromStr;

use crate::{Error, Result};

/// The value of a variable that has to be there.
pub fn get<T>(name: &str) -> Result<T>
where
    T: FromStr,
    T::Err: Display,
{
    find(name)?.ok_or_else(|| Error::new(format!("the variable {name} is not set")))
}

/// The value of a variable, or `default` if it is not set.
pub fn get_or<T>(name: &str, default: T) -> Result<T>
where
    T: FromStr,
    T::Err: Display,
{
    Ok(find(name)?.unwrap_or(default))
}

/// The value of a variable that may be missing.
pub fn find<T>(name: &str) -> Result<Option<T>>
where
    T: FromStr,
    T::Err: Display,
{
    let Some(value) = env::var_os(name) else { return Ok(None) };
    let value = value.to_string_lossy();
    match value.parse() {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(Error::new(format!("the variable {name} is {value:?}: {error}"))),
    }
}
