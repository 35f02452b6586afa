use super::unified;

fn check(old: &str, new: &str, expected: &str) {
    let lines = |text: &str| text.replace(' ', "\n");
    assert_eq!(unified(&lines(old), &lines(new)), expected, "{old:?} -> {new:?}");
}

#[test]
fn changes_with_context() {
    check("a b c", "a b c", "");
    check("a b c", "a x c", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
    check("a", "b", "@@ -1 +1 @@\n-a\n+b\n");
    check("a b c d e f", "a b c d e f g", "@@ -4,3 +4,4 @@\n d\n e\n f\n+g\n");
    check(
        "a 1 2 3 4 5 6 7 b",
        "x 1 2 3 4 5 6 7 y",
        "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n",
    );
}
