use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn server(names: &[&str]) -> Wanted {
    let names = names.iter().map(ToString::to_string).collect();
    Wanted { item: Item::Server, names }
}

fn seen() -> Seen {
    Seen {
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2026-04-01T00:00:00Z"),
        names: vec!["localhost".to_string()],
        user: "kubernetes".to_string(),
        groups: Vec::new(),
        is_ours: true,
    }
}

fn check(wanted: &Wanted, seen: Option<Seen>, now: &str, expected: Option<&str>) {
    let actions = plan(std::slice::from_ref(wanted), &[seen], at(now));
    assert_eq!(actions.first().map(|action| action.reason), expected, "{now}");
}

#[test]
fn a_certificate_is_issued_when_it_is_missing_old_foreign_or_wrong() {
    let wanted = server(&["localhost"]);
    check(&wanted, None, "2026-02-01T00:00:00Z", Some("it does not exist"));
    check(&wanted, Some(seen()), "2026-02-01T00:00:00Z", None);
    check(&wanted, Some(seen()), "2026-03-01T23:59:59Z", None);
    check(&wanted, Some(seen()), "2026-03-02T00:00:00Z", Some("it expires soon"));
    check(&wanted, Some(seen()), "2027-01-01T00:00:00Z", Some("it expires soon"));
    let foreign = Seen { is_ours: false, ..seen() };
    check(&wanted, Some(foreign), "2026-02-01T00:00:00Z", Some("another authority has signed it"));
    let wanted = server(&["localhost", "api.example"]);
    check(&wanted, Some(seen()), "2026-02-01T00:00:00Z", Some("it lacks a name of the server"));
}

#[test]
fn a_client_certificate_of_another_user_is_replaced() {
    let wanted = Wanted { item: Item::Client(Client::admin()), names: Vec::new() };
    check(&wanted, Some(seen()), "2026-02-01T00:00:00Z", Some("it is for another user"));
    let right = Seen {
        user: "system:admin".to_string(),
        groups: vec!["system:masters".to_string()],
        ..seen()
    };
    check(&wanted, Some(right), "2026-02-01T00:00:00Z", None);
}

#[test]
fn the_next_look_is_at_the_first_renewal_but_neither_at_once_nor_days_away() {
    let look = |now: &str| next_look(&[Some(seen()), None], at(now)).to_string();
    assert_eq!(look("2026-02-01T00:00:00Z"), "2026-02-01T12:00:00Z");
    assert_eq!(look("2026-03-01T20:00:00Z"), "2026-03-02T00:00:00Z");
    assert_eq!(look("2026-05-01T00:00:00Z"), "2026-05-01T00:01:00Z");
}
