//! Waiting for a state, with the last state seen in the failure.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// Far more than anything takes, even on a busy machine.
const CEILING: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is `Ok`; `Err` holds the state seen.
pub(crate) async fn until<T, E: Debug>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(reached) => return reached,
            Err(seen) if begun.elapsed() > CEILING => {
                panic!("waited {CEILING:?} until {what}; last seen: {seen:#?}")
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
