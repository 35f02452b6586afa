//! Which certificates are to be issued now, and why. Pure: what is wanted, what is there and the time
//! are arguments.
//!
//! A certificate is renewed when a third of its life is left, so that a server that is started a few
//! times a year still never presents an expired one.

use jiff::{SignedDuration, Timestamp};

use super::Client;

/// At the latest after this time the folder is looked at again, whatever the certificates say.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(12);
/// A look after an early one does not come sooner than this.
const LOOK_SOONEST: SignedDuration = SignedDuration::from_secs(60);

/// One certificate of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Authority,
    Server,
    Client(Client),
}

impl Item {
    /// The name of its files, without their endings.
    pub(super) fn file(&self) -> &str {
        match self {
            Self::Authority => "ca",
            Self::Server => "server",
            Self::Client(client) => &client.file,
        }
    }
}

/// A certificate that must exist, with the names that it must carry.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) item: Item,
    pub(super) names: Vec<String>,
}

/// What a certificate that is there says.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) names: Vec<String>,
    pub(super) user: String,
    pub(super) groups: Vec<String>,
    /// Whether today's authority has signed it.
    pub(super) is_ours: bool,
}

/// A certificate to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) item: Item,
    pub(super) names: Vec<String>,
    pub(super) reason: &'static str,
}

/// `seen` holds one entry for each of `wanted`, in the same order.
pub(super) fn plan(wanted: &[Wanted], seen: &[Option<Seen>], now: Timestamp) -> Vec<Action> {
    wanted
        .iter()
        .zip(seen)
        .filter_map(|(wanted, seen)| {
            let reason = reason(wanted, seen.as_ref(), now)?;
            Some(Action { item: wanted.item.clone(), names: wanted.names.clone(), reason })
        })
        .collect()
}

fn reason(wanted: &Wanted, seen: Option<&Seen>, now: Timestamp) -> Option<&'static str> {
    let Some(seen) = seen else { return Some("it does not exist") };
    if !seen.is_ours {
        return Some("another authority has signed it");
    }
    if now >= renewal_of(seen) {
        return Some("it expires soon");
    }
    if !wanted.names.iter().all(|name| seen.names.contains(name)) {
        return Some("it lacks a name of the server");
    }
    if let Item::Client(client) = &wanted.item
        && (client.user != seen.user || client.groups != seen.groups)
    {
        return Some("it is for another user");
    }
    None
}

/// When the folder is worth another look.
pub(super) fn next_look(seen: &[Option<Seen>], now: Timestamp) -> Timestamp {
    let latest = now.saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX);
    let soonest = now.saturating_add(LOOK_SOONEST).unwrap_or(Timestamp::MAX);
    seen.iter().flatten().map(renewal_of).fold(latest, Timestamp::min).max(soonest)
}

fn renewal_of(seen: &Seen) -> Timestamp {
    let life = seen.not_after.duration_since(seen.not_before);
    seen.not_after.saturating_sub(life / 3).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
