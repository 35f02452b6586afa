//! One server process with its folder, and how tests talk to it.

use std::{
    ffi::OsStr,
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use kube::config::{KubeConfigOptions, Kubeconfig};
use tempfile::TempDir;

use super::{binary::skiff, kubectl, until};

/// A server that ends, and whose folder goes, with the test.
pub(crate) struct Cluster {
    folder: TempDir,
    address: SocketAddr,
    /// The subcommand that runs the server.
    subcommand: &'static str,
    arguments: Vec<String>,
    process: Option<Child>,
}

impl Cluster {
    /// A server with everything in it, its node included.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with further flags.
    pub(crate) async fn with(arguments: &[&str]) -> Self {
        Self::run("server", arguments).await
    }

    /// What `skiff up` makes of a folder of the checkout.
    pub(crate) async fn up(folder: &str) -> Self {
        let folder = super::root().join(folder);
        Self::run("up", &[&folder.to_string_lossy()]).await
    }

    async fn run(subcommand: &'static str, arguments: &[&str]) -> Self {
        let address = free_address();
        let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        let mut cluster =
            Self { folder: TempDir::new().unwrap(), address, subcommand, arguments, process: None };
        cluster.boot().await;
        cluster
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.data().join("kubeconfig")
    }

    pub(crate) fn kubeconfig_text(&self) -> String {
        fs::read_to_string(self.kubeconfig()).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A path for a test's own files.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The process id of the server.
    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// Starts the server and waits until it says that it is ready.
    pub(crate) async fn boot(&mut self) {
        let log = fs::OpenOptions::new().append(true).create(true).open(self.log_path()).unwrap();
        let child = Command::new(skiff())
            .arg(self.subcommand)
            .arg("--data-dir")
            .arg(self.data())
            .arg("--api-address")
            .arg(self.address.to_string())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
        until("the server is ready", async || self.ready()).await;
    }

    fn ready(&self) -> Result<(), String> {
        let output = Command::new(skiff())
            .args(["get", "namespaces", "--kubeconfig"])
            .arg(self.kubeconfig())
            .output()
            .unwrap();
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{}\n{}", String::from_utf8_lossy(&output.stderr), self.log()))
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// What the server has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks the server to end and gives its exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        let mut child = self.process.take().expect("the server runs");
        let status = Command::new("kill").arg(child.id().to_string()).status().unwrap();
        assert!(status.success());
        until("the server has ended", async || child.try_wait().unwrap().ok_or("it runs"))
            .await
            .code()
    }

    /// Runs kubectl and gives what it printed; a failure fails the test.
    pub(crate) fn kubectl<A: AsRef<OsStr>>(&self, arguments: &[A]) -> String {
        let output = self.try_kubectl(arguments);
        self.expect(&output, arguments)
    }

    /// Runs kubectl and gives its output, whatever it is.
    pub(crate) fn try_kubectl<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Output {
        self.kubectl_command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// kubectl for this cluster, not yet started.
    pub(crate) fn kubectl_command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let kubectl = kubectl::kubectl().expect("the test asked whether kubectl is here");
        let mut command = self.command(kubectl);
        command.args(arguments);
        command
    }

    /// A client program that finds this cluster and keeps its own files in this test's folder.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a client program and gives what it printed; a failure fails the test.
    pub(crate) fn run_client(&self, command: &mut Command) -> String {
        let output = command.output().unwrap();
        let arguments: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
        self.expect(&output, &arguments)
    }

    /// The folder of this test's own files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Applies manifests given as text.
    pub(crate) fn apply(&self, manifests: &str) -> String {
        let file = self.file("applied.yaml", manifests);
        self.skiff(&[OsStr::new("apply"), OsStr::new("-f"), file.as_os_str()])
    }

    /// Runs skiff's own client and gives what it printed; a failure fails the test.
    pub(crate) fn skiff<A: AsRef<OsStr>>(&self, arguments: &[A]) -> String {
        let output = self.try_skiff(arguments);
        self.expect(&output, arguments)
    }

    pub(crate) fn try_skiff<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Output {
        let mut command = Command::new(skiff());
        command
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.folder.path())
            .args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn expect<A: AsRef<OsStr>>(&self, output: &Output, arguments: &[A]) -> String {
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        assert!(
            output.status.success(),
            "{} failed:\n{stdout}{stderr}\nthe server's last words:\n{}",
            words.join(" "),
            tail(&self.log())
        );
        stdout.into_owned()
    }

    /// Pushes a Wasm file into the cluster's registry.
    pub(crate) fn push(&self, wasm: &Path, image: &str) {
        self.skiff(&[OsStr::new("push"), wasm.as_os_str(), OsStr::new(image)]);
    }

    /// Pushes a module from its bytes.
    pub(crate) fn push_bytes(&self, wasm: &[u8], image: &str) {
        let path = self.folder.path().join("pushed.wasm");
        fs::write(&path, wasm).unwrap();
        self.push(&path, image);
    }

    /// A kube-rs client with the admin's certificate.
    pub(crate) async fn client(&self) -> kube::Client {
        kube::Client::try_from(self.client_config().await).unwrap()
    }

    /// The same client without its own repeating: an answer that says "try again later" arrives at once.
    pub(crate) async fn client_that_asks_once(&self) -> kube::Client {
        let mut config = self.client_config().await;
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }

    async fn client_config(&self) -> kube::Config {
        let config = Kubeconfig::read_from(self.kubeconfig()).unwrap();
        kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap()
    }

    /// Waits until a JSON path of an object has a value, by kubectl's own jsonpath.
    pub(crate) async fn wait(&self, object: &str, path: &str, value: &str) {
        until(&format!("{object} has {path} = {value}"), async || {
            let output = self.try_skiff(&["get", object, "-o", "json"]);
            let json: serde_json::Value =
                serde_json::from_slice(&output.stdout).unwrap_or_default();
            let found = json
                .pointer(path)
                .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            if found.as_deref() == Some(value) {
                Ok(())
            } else {
                Err(format!("{}\n{json:#}", self.events()))
            }
        })
        .await;
    }

    /// The last Events, for failures.
    pub(crate) fn events(&self) -> String {
        tail(&String::from_utf8_lossy(&self.try_skiff(&["get", "events", "-A"]).stdout))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server's last words:\n{}", tail(&self.log()));
        }
        self.kill();
    }
}

/// An address of this machine that nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
