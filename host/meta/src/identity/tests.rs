#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn printed_as_kubernetes_does() {
    let apps = GroupVersion::new("apps", "v1");
    assert_eq!(apps.to_string(), "apps/v1");
    assert_eq!(GroupVersion::new("", "v1").to_string(), "v1");
    assert_eq!(apps.with_kind("Deployment").to_string(), "apps/v1, Kind=Deployment");
    assert_eq!(GroupVersion::new("", "v1").with_kind("Pod").to_string(), "/v1, Kind=Pod");
    assert_eq!(apps.with_resource("deployments").to_string(), "apps/v1, Resource=deployments");
    assert_eq!(GroupResource::new("apps", "deployments").to_string(), "deployments.apps");
    assert_eq!(GroupResource::new("", "pods").to_string(), "pods");
    assert_eq!(GroupKind::new("apps", "Deployment").to_string(), "Deployment.apps");
    assert_eq!(Revision(7).next().to_string(), "8");
}

#[test]
fn read_back() {
    assert_eq!(GroupVersion::parse("apps/v1"), Some(GroupVersion::new("apps", "v1")));
    assert_eq!(GroupVersion::parse("v1"), Some(GroupVersion::new("", "v1")));
    assert_eq!(GroupVersion::parse(""), None);
    assert_eq!(GroupVersion::parse("a/b/c"), None);
    assert_eq!(GroupResource::parse("deployments.apps"), GroupResource::new("apps", "deployments"));
    assert_eq!(
        GroupResource::parse("roles.rbac.authorization.k8s.io").group,
        "rbac.authorization.k8s.io"
    );
    assert_eq!("12".parse::<Revision>().unwrap(), Revision(12));
    assert!("-1".parse::<Revision>().is_err());
}
