//! Helm 3 and Helm 4, unmodified: a release from its templates to its end.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Cluster, installed, on_path, root, skip, until};

/// Every Helm of this machine: that on the PATH, and those that CI has built.
fn helms() -> Vec<PathBuf> {
    let own = ["bin/helm3", "bin/helm4"].into_iter().filter_map(installed);
    on_path("helm").into_iter().chain(own).collect()
}

/// One Helm, in a namespace of its own.
struct Helm<'a> {
    cluster: &'a Cluster,
    program: PathBuf,
    namespace: String,
}

impl Helm<'_> {
    fn command(&self, line: &str) -> std::process::Command {
        let chart = root().join("tests/it/helm/chart");
        let words =
            line.split_whitespace().map(|word| word.replace("CHART", &chart.to_string_lossy()));
        let mut command = self.cluster.command(&self.program);
        command.args(words).args(["--namespace", &self.namespace]);
        command
    }

    /// Runs a command that must succeed.
    fn run(&self, line: &str) -> String {
        eprintln!("helm {line}");
        self.cluster.run_client(&mut self.command(line))
    }

    /// Runs a command that must fail, and gives what it said.
    fn fail(&self, line: &str) -> String {
        eprintln!("helm {line}");
        let output = self.command(line).output().unwrap();
        assert!(
            !output.status.success(),
            "{line} was to fail: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} --output json"))).unwrap()
    }

    /// A field of an object of the release.
    fn field(&self, object: &str, path: &str) -> Value {
        let json = self.cluster.skiff(&["get", object, "-n", &self.namespace, "-o", "json"]);
        let json: Value = serde_json::from_str(&json).unwrap();
        json.pointer(path).cloned().unwrap_or_default()
    }

    /// Status and description of each revision.
    fn history(&self) -> Vec<(String, String)> {
        let history = self.json("history web");
        let text =
            |revision: &Value, field: &str| revision[field].as_str().unwrap_or_default().to_owned();
        let revisions = history.as_array().into_iter().flatten();
        revisions.map(|it| (text(it, "status"), text(it, "description"))).collect()
    }
}

fn version(cluster: &Cluster, program: &Path) -> String {
    cluster.run_client(cluster.command(program).args(["version", "--template", "{{.Version}}"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_from_its_templates_to_its_end() {
    let programs = helms();
    if programs.is_empty() {
        skip("helm::a_release_from_its_templates_to_its_end", "Helm is not installed");
        return;
    }
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::HTTP_ECHO, "web:1");
    cluster.push_bytes(guests::HTTP_ECHO, "web:2");
    cluster.push_bytes(guests::ENVIRONMENT, "check:1");
    cluster.push_bytes(guests::TRAP, "trap:1");
    for (index, program) in programs.into_iter().enumerate() {
        eprintln!("{} {}", program.display(), version(&cluster, &program));
        let helm = Helm { cluster: &cluster, program, namespace: format!("helm-{index}") };
        install(&helm);
        upgrade(&helm);
        fail_and_return(&helm);
        roll_back(&helm);
        end(&helm).await;
    }
}

/// Helm 4 applies on the server what Helm 3 has patched from its own side, and takes over its fields.
#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_from_helm_3_to_helm_4_and_back() {
    let (Some(three), Some(four)) = (installed("bin/helm3"), installed("bin/helm4")) else {
        let test = "helm::a_release_goes_from_helm_3_to_helm_4_and_back";
        skip(test, "Helm 3 and Helm 4 are not both installed");
        return;
    };
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let namespace = "default".to_owned();
    let three = Helm { cluster: &cluster, program: three, namespace: namespace.clone() };
    let four = Helm { cluster: &cluster, program: four, namespace };
    three.run("install web CHART --no-hooks");
    four.run("upgrade web CHART --no-hooks --server-side=true --set greeting=taken");
    let managers = four.field("deployment/web", "/metadata/managedFields");
    let managers = managers.as_array().into_iter().flatten().filter(|it| it["manager"] == "helm");
    let operations: Vec<&Value> = managers.map(|entry| &entry["operation"]).collect();
    assert_eq!(operations, ["Apply"]);

    cluster.skiff(&["scale", "deployment/web", "--replicas=3"]);
    let upgrade = "upgrade web CHART --no-hooks --set greeting=again";
    let said = four.fail(upgrade);
    assert!(said.contains("conflict with") && said.contains(".spec.replicas"), "{said}");
    four.run(&format!("{upgrade} --force-conflicts"));
    assert_eq!(four.field("deployment/web", "/spec/replicas"), 1);
    four.run("rollback web 1 --no-hooks");
    assert_eq!(four.field("configmap/web-settings", "/data/greeting"), "hello");
    three.run("upgrade web CHART --no-hooks --set greeting=back");
    assert_eq!(four.field("configmap/web-settings", "/data/greeting"), "back");
    three.run("uninstall web --no-hooks");
}

fn install(helm: &Helm<'_>) {
    // Rendered with what the server says, and validated by its OpenAPI, before anything exists.
    let rendered = helm.run("template web CHART --validate");
    for part in ["served: \"true\"", "version: \"1.37\"", "namespace: \"unknown\""] {
        assert!(rendered.contains(part), "{part} in:\n{rendered}");
    }
    let said = helm.fail("template web CHART --set greeting=");
    assert!(said.contains("greeting"), "{said}");

    let said = helm.run("install web CHART --create-namespace --wait --timeout 120s");
    assert!(
        said.contains("STATUS: deployed") && said.contains("web greets with hello (revision 1)"),
        "{said}"
    );
    let said = helm.fail("install web CHART");
    assert!(
        said.contains("cannot re-use a name that is still in use")
            || said.contains("cannot reuse a name"),
        "{said}"
    );
    let list = helm.json("list");
    assert_eq!(list[0]["chart"], "web-1.2.3");
    assert_eq!(
        (&list[0]["revision"], &list[0]["status"], &list[0]["app_version"]),
        (&"1".into(), &"deployed".into(), &"4.5".into())
    );
    let status = helm.json("status web");
    assert_eq!(status["info"]["status"], "deployed");
    let status = helm.run("status web");
    assert!(status.contains("NAME: web"), "{status}");
    assert!(helm.run("get manifest web").contains("kind: PodDisruptionBudget"));
    assert!(helm.run("get hooks web").contains("web-farewell"));
    assert!(helm.run("get notes web").contains("greets with hello"));
    assert_eq!(helm.json("get values web --all")["image"], "web:1");

    // What --wait and the hooks have waited for holds.
    assert_eq!(helm.field("deployment/web", "/status/readyReplicas"), 1);
    assert_eq!(helm.field("job/web-check", "/status/succeeded"), 1);
    assert_eq!(helm.field("configmap/web-before", "/data/revision"), "1");
}

fn upgrade(helm: &Helm<'_>) {
    helm.run("upgrade web CHART --dry-run=server --set replicas=7");
    assert_eq!(helm.field("deployment/web", "/spec/replicas"), 1);
    let said = helm.run("upgrade web CHART --wait --timeout 120s --set image=web:2,replicas=2,greeting=welcome,service.port=81");
    assert!(said.contains("REVISION: 2"), "{said}");
    assert_eq!(helm.field("deployment/web", "/status/readyReplicas"), 2);
    assert_eq!(helm.field("service/web", "/spec/ports/0/port"), 81);
    assert_eq!(helm.field("configmap/web-settings", "/data/greeting"), "welcome");
    assert_eq!(helm.field("configmap/web-settings", "/data/namespace"), "Active");
    assert_eq!(helm.field("configmap/web-before", "/data/revision"), "2");
    assert_eq!(helm.json("get values web")["greeting"], "welcome");
    assert_eq!(helm.json("get values web --revision 1"), Value::Null);
}

/// An upgrade that never becomes ready, one whose hook fails, and one that the server refuses.
fn fail_and_return(helm: &Helm<'_>) {
    let said = helm.fail("upgrade web CHART --reuse-values --atomic --timeout 5s --set image=missing:1,greeting=never");
    assert!(said.contains("has been rolled back") || said.contains("rolled back"), "{said}");
    assert_eq!(helm.field("deployment/web", "/spec/template/spec/containers/0/image"), "web:2");
    assert_eq!(helm.field("configmap/web-settings", "/data/greeting"), "welcome");
    let history = helm.history();
    assert_eq!(history[2].0, "failed", "{history:?}");
    assert_eq!(history[3], ("deployed".to_owned(), "Rollback to 2".to_owned()), "{history:?}");

    let said = helm.fail("upgrade web CHART --reuse-values --timeout 60s --set check.image=trap:1");
    assert!(said.contains("post-upgrade hooks failed"), "{said}");
    let said = helm.fail("upgrade web CHART --reuse-values --set replicas=-1");
    assert!(said.contains("spec.replicas: Invalid value"), "{said}");
}

fn roll_back(helm: &Helm<'_>) {
    helm.run("rollback web 1 --wait --timeout 120s");
    assert_eq!(helm.field("deployment/web", "/spec/template/spec/containers/0/image"), "web:1");
    assert_eq!(helm.field("deployment/web", "/status/readyReplicas"), 1);
    assert_eq!(helm.field("service/web", "/spec/ports/0/port"), 80);
    let history = helm.history();
    assert_eq!(history.last().map(|(_, said)| said.as_str()), Some("Rollback to 1"), "{history:?}");
    // Each revision is a Secret of its own type.
    let secrets =
        helm.cluster.skiff(&["get", "secrets", "-n", &helm.namespace, "-l", "owner=helm"]);
    assert_eq!(secrets.matches("helm.sh/release.v1").count(), history.len(), "{secrets}");
}

async fn end(helm: &Helm<'_>) {
    let said = helm.run("uninstall web --wait --timeout 120s");
    assert!(said.contains("release \"web\" uninstalled"), "{said}");
    assert!(helm.json("list").as_array().is_some_and(Vec::is_empty));
    let said = helm.fail("status web");
    assert!(said.contains("release: not found"), "{said}");
    // Hooks stay, as Helm leaves them; everything else goes.
    assert_eq!(helm.field("configmap/web-farewell", "/metadata/name"), "web-farewell");
    let kinds = "deployments,services,roles,rolebindings,poddisruptionbudgets,pods";
    until("the release is gone", async || {
        let left = helm.cluster.skiff(&["get", kinds, "-n", &helm.namespace, "-o", "name"]);
        let left: Vec<_> =
            left.lines().filter(|name| !name.contains("web-check")).map(str::to_owned).collect();
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}
