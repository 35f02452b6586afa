#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

#[test]
fn canonical_texts() {
    let check = |text: &str, expected: &str| {
        let shown = Quantity::parse(text).map_or_else(|e| e.to_string(), |q| q.to_string());
        assert_eq!(shown, expected, "{text}");
    };
    for same in
        ["0", "1", "100m", "1500m", "1k", "1Ki", "1e3", "1E3", "12E", "-5", "1025Ki", "250u", "5n"]
    {
        check(same, same);
    }
    // Nearly canonical texts are shown as they are written.
    for same in ["+5", "05", "1.500", "1.123e3"] {
        check(same, same);
    }
    check("1000m", "1");
    check("0.5", "500m");
    check("1.5", "1500m");
    check("0.500", "500m");
    check("1000", "1k");
    check("1000000", "1M");
    check("1024Ki", "1Mi");
    check("8Ki", "8Ki");
    check("1000Ki", "1000Ki");
    check("0.5Gi", "512Mi");
    check("1.5Gi", "1536Mi");
    check("0.1Ki", "102400m");
    check("1.1Ki", "1126400m");
    check("0.0001Ki", "102400u");
    check("512Ki", "512Ki");
    check("1e-10", "1e-9");
    // Where nothing is counted any more, all are the greatest.
    check("200e18020", "20e999");
    check("2e1000", "20e999");
    check("0.0000000001", "1n");
    check("-0.0000000001", "-1n");
    check("10e3", "10e3");
    check("1000e3", "1e6");
    check("100e1", "1e3");
    check("-0", "0");
    check("0Ki", "0");
    check(".", "0");
    check("100Ei", "9223372036854775807");
    check("1000E", "1000E");
    check("1e100", "10e99");
    check("10e99", "10e99");
    check("1e99999999999999", "10e999");

    let format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    for wrong in ["", "1x", "true", "1.1.1", " 1", "1 ", "1Ki1x"] {
        check(wrong, format);
    }
    for wrong in ["1mm", "1e", "1Ke", "+-", "1i", "m1"] {
        check(wrong, "unable to parse quantity's suffix");
    }
}

#[test]
fn numbers() {
    let q = |text: &str| Quantity::parse(text).unwrap();
    assert_eq!((q("1500m").value(), q("1500m").millis()), (2, 1500));
    assert_eq!((q("-1500m").value(), q("1Gi").value()), (-2, 1 << 30));
    assert_eq!(q("1e100").value(), i64::MAX);
    assert_eq!(q("-1e100").value(), i64::MIN);
    assert_eq!(q("1n").millis(), 1);
    assert_eq!(q("1").plus(&q("500m")).to_string(), "1500m");
    assert_eq!(q("0").plus(&q("1Gi")).to_string(), "1Gi");
    assert_eq!(q("1Gi").minus(&q("512Mi")).to_string(), "512Mi");
    assert_eq!(q("100m").times(10).to_string(), "1");
    assert_eq!(q("1k"), q("1000"));
    assert!(q("1Ki") > q("1k") && q("-1e100") < q("1n") && q("1e100") > q("999E"));
    assert!((q("1.5").approximate() - 1.5).abs() < f64::EPSILON);
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[-+]?[0-9]{0,50}[.]?[0-9]{0,50}[eEinumkKMGTP]{0,2}[-+]?[0-9]{0,2}") {
        if let Ok(quantity) = Quantity::parse(&text) {
            let shown = quantity.to_string();
            let again = Quantity::parse(&shown).unwrap();
            prop_assert_eq!(&again, &quantity, "{} {}", text, shown);
            prop_assert_eq!(again.to_string(), shown);
        }
    }

    #[test]
    fn sums(a in any::<i64>(), b in any::<i64>(), scale in -9i32..9) {
        let (a, b) = (Quantity::new(i128::from(a), scale, Format::DecimalSi), Quantity::units(b));
        prop_assert_eq!(a.plus(&b), b.plus(&a));
        prop_assert_eq!(a.plus(&b).minus(&b), a);
    }
}
