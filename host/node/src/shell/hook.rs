//! Carrying out a life-cycle hook.

use std::net::IpAddr;
use std::time::Duration;

use super::probe::probe;
use crate::network::Network;
use crate::pod::Hook;

/// Runs a hook; an error is its text.
pub(crate) async fn hook(
    network: &Network,
    hook: &Hook,
    ip: IpAddr,
    within: Duration,
) -> Result<(), String> {
    match hook {
        Hook::Sleep { secs } => {
            let wanted = Duration::from_secs(u64::try_from(*secs).unwrap_or(0));
            tokio::time::sleep(wanted.min(within)).await;
            Ok(())
        }
        Hook::Run(action) => probe(network, action, ip, within).await,
    }
}
