#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn digests_round_trip_and_anything_else_is_refused() {
    let digest = Digest::of(b"");
    let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest.to_string(), text);
    assert_eq!(text.parse::<Digest>().unwrap(), digest);
    for bad in ["", "sha256:", "e3b0", "sha256:E3B0", "sha256:../../etc/passwd", "sha256:é"] {
        assert_eq!(bad.parse::<Digest>(), Err(DigestError::Format), "{bad}");
    }
    assert_eq!("md5:00".parse::<Digest>(), Err(DigestError::Algorithm));
    assert_eq!(
        text.to_uppercase().replace("SHA256", "sha256").parse::<Digest>(),
        Err(DigestError::Format)
    );
}
