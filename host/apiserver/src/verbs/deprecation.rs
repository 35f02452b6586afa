//! Resources that will go away one day say so in each answer.
//!
//! See <https://kubernetes.io/docs/reference/using-api/deprecation-guide/>.

use kinds::KindInfo;

const DEPRECATED: [(&str, &str, &str, &str); 2] = [
    ("", "v1", "componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"),
    (
        "",
        "v1",
        "endpoints",
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ),
];

/// The warning of a resource, if it has one.
pub(super) fn warning(info: &KindInfo) -> Option<&'static str> {
    let found = DEPRECATED.iter().find(|(group, version, plural, _)| {
        *group == info.group && *version == info.version && *plural == info.plural
    });
    found.map(|(.., text)| *text)
}
