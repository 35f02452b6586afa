//! Counts primes, and says so while it does.

use skiff_guest::{Error, Result, config, info};

fn main() -> Result<()> {
    let limit: usize = config::get_or("LIMIT", 1_000_000)?;
    if limit < 2 {
        return Err(Error::new("there are no primes below 2"));
    }
    info!("looking at the numbers up to {limit}");
    let mut is_prime = vec![true; limit + 1];
    let mut count = 0_u64;
    for number in 2..=limit {
        if is_prime[number] {
            count += 1;
            // Smaller multiples are done already. A square that no `usize` of 32 bits holds is beyond the limit.
            let square = number.checked_mul(number).unwrap_or(usize::MAX);
            for multiple in (square..=limit).step_by(number) {
                is_prime[multiple] = false;
            }
        }
    }
    println!("{count} primes up to {limit}");
    Ok(())
}
