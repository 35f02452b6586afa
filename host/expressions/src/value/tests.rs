use super::*;

#[test]
fn json_goes_in_and_comes_out() {
    let tree = serde_json::json!({ "a": [1, -2.5, "x", null, true], "b": { "c": 18_446_744_073_709_551_615_u64 } });
    assert_eq!(Value::from(&tree).to_json(), Ok(tree));
    assert_eq!(Value::Type("int".into()).to_json(), Err(ToJsonError::Type("type".to_owned())));
}

#[test]
fn numbers_compare_by_what_they_stand_for() {
    assert_eq!(Value::Int(1), Value::Double(1.0));
    assert_eq!(Value::Uint(1), Value::Int(1));
    assert_ne!(Value::Int(-1), Value::Uint(u64::MAX));
    assert_ne!(Value::Double(f64::NAN), Value::Double(f64::NAN));
    assert_eq!(Key::of(&Value::Double(2.0)), Some(Key::Int(2)));
    assert_eq!(Key::of(&Value::Double(2.5)), None);
}
