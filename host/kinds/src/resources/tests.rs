use super::*;

fn list(entries: &[(&str, &str)]) -> ResourceList {
    entries
        .iter()
        .map(|(name, quantity)| ((*name).to_owned(), WireQuantity((*quantity).to_owned())))
        .collect()
}

#[test]
fn finer_fractions_than_thousandths_are_rounded_up() {
    let cases = [
        ("1", "1"),
        ("100m", "100m"),
        ("0.0001", "1m"),
        ("1500u", "2m"),
        ("0.5", "0.5"),
        ("1e30", "1e30"),
    ];
    for (given, expected) in cases {
        let mut resources = list(&[("cpu", given)]);
        round_up(&mut resources);
        assert_eq!(resources["cpu"].0, expected, "{given}");
    }
}

#[test]
fn names() {
    let check = |name: &str| {
        let mut errors = Errors::new();
        check_container_name(&mut errors, &At::root("limits"), name);
        errors.into_list().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(check("cpu"), [""; 0]);
    assert_eq!(check("example.com/gpu"), [""; 0]);
    assert_eq!(check("hugepages-2Mi"), [""; 0]);
    assert_eq!(
        check("storage"),
        [r#"limits: Invalid value: "storage": must be a standard resource for containers"#]
    );
    assert_eq!(
        check("disk"),
        [
            r#"limits: Invalid value: "disk": must be a standard resource type or fully qualified"#,
            r#"limits: Invalid value: "disk": must be a standard resource for containers"#
        ]
    );
}

#[test]
fn sums_and_maxima() {
    let mut sum = BTreeMap::new();
    add(&mut sum, &list(&[("cpu", "500m"), ("memory", "1Gi")]));
    add(&mut sum, &list(&[("cpu", "1")]));
    assert_eq!(sum["cpu"].to_string(), "1500m");
    let mut highest = BTreeMap::new();
    add(&mut highest, &list(&[("cpu", "2")]));
    raise(&mut highest, &sum);
    assert_eq!(highest["cpu"].to_string(), "2");
    assert_eq!(highest["memory"].to_string(), "1Gi");
    assert!(same(Some(&list(&[("cpu", "1")])), Some(&list(&[("cpu", "1000m")]))));
}
