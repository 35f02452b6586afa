//! Servers to measure: `skiff`, started for the purpose, and any other one that is running already.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use api::Client;
use api::kubeconfig::{Overrides, Sources};
use http::Request;
use tempfile::TempDir;

use crate::{Processes, Size};

/// Variables by which cargo tells a program of its package.
const OUTER: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    pub name: &'static str,
    pub processes: Processes,
    kubeconfig: PathBuf,
    own: Option<Own>,
}

/// What ends with the bench.
#[derive(Debug)]
struct Own {
    folder: TempDir,
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts skiff with an empty data directory, and waits until it is ready.
    pub async fn start(size: Size, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_in(TempDir::new()?, size, arguments).await
    }

    async fn start_in(folder: TempDir, size: Size, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = skiff(size);
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log =
            fs::OpenOptions::new().append(true).create(true).open(folder.path().join("log"))?;
        let data = folder.path().join("data");
        let child = Command::new(program)
            .args([OsStr::new("server"), OsStr::new("--data-dir"), data.as_os_str()])
            .args(["--api-address", &address.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let server = Self {
            name: "skiff",
            processes: Processes::new(vec![child.id()]),
            kubeconfig: data.join("kubeconfig"),
            own: Some(Own { folder, child, address }),
        };
        server.ready().await?;
        Ok(server)
    }

    /// Ends the server as a power cut does and starts it again on the same data.
    pub async fn again(mut self, size: Size, arguments: &[&str]) -> anyhow::Result<Self> {
        let own = self.own.take();
        let own = own.ok_or_else(|| anyhow::anyhow!("only an own server can be restarted"))?;
        let Own { folder, mut child, .. } = own;
        child.kill()?;
        child.wait()?;
        Self::start_in(folder, size, arguments).await
    }

    /// The servers that a bench is for: skiff, and the one that the command line names.
    pub async fn all(size: Size, arguments: &[&str]) -> anyhow::Result<Vec<Self>> {
        let own = Self::start(size, arguments).await?;
        let mut servers = vec![own];
        let value = |flag: &str| std::env::args().skip_while(|own| own != flag).nth(1);
        if let Some(kubeconfig) = value("--kubeconfig") {
            let pids = value("--pids").unwrap_or_default();
            let pids = pids.split(',').filter_map(|pid| pid.parse().ok()).collect();
            servers.push(Self {
                name: "other",
                processes: Processes::new(pids),
                kubeconfig: kubeconfig.into(),
                own: None,
            });
        }
        Ok(servers)
    }

    /// A client with connections of its own.
    pub fn client(&self) -> anyhow::Result<Client> {
        let sources = Sources { flag: Some(self.kubeconfig.clone()), ..Sources::default() };
        let target = sources.load()?.config.target(&Overrides::default())?;
        Ok(Client::from_kubeconfig(&target)?)
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Does what needs Pods to run, in bounded time. An error is told together with what the server says of its node and Pods.
    pub async fn running<T>(
        &self,
        size: Size,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let patience = size.pick(Duration::from_mins(3), Duration::from_hours(1));
        let error = match tokio::time::timeout(patience, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(elapsed) => elapsed.into(),
        };
        let mut state = String::new();
        for question in
            [&["describe", "nodes"][..], &["get", "pods", "-o", "wide"], &["get", "events"]]
        {
            // Without an answer the error is still told.
            if let Ok(answer) = self.asked(size, question) {
                state.push_str(&String::from_utf8_lossy(&answer.stdout));
                state.push_str(&String::from_utf8_lossy(&answer.stderr));
            }
        }
        Err(error.context(state))
    }

    fn asked(&self, size: Size, arguments: &[impl AsRef<OsStr>]) -> io::Result<Output> {
        let mut command = Command::new(skiff(size));
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments).output()
    }

    /// Runs a command of skiff's against this server.
    pub fn command(&self, size: Size, arguments: &[&OsStr]) -> anyhow::Result<()> {
        let output = self.asked(size, arguments)?;
        anyhow::ensure!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// A folder that goes with the server.
    pub fn folder(&self) -> Option<&Path> {
        self.own.as_ref().map(|own| own.folder.path())
    }

    /// Asks as fast as a client may until the server says that it is ready.
    async fn ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let address = self.own.as_ref().map(|own| own.address);
        loop {
            let listens =
                address.is_none_or(|address| std::net::TcpStream::connect(address).is_ok());
            if listens && self.kubeconfig.exists() && self.is_ready().await {
                return Ok(());
            }
            anyhow::ensure!(begun.elapsed() < PATIENCE, "not ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let Ok(client) = self.client() else { return false };
        let Ok(request) = Request::get("/readyz").body(bytes::Bytes::new()) else { return false };
        client.raw(request).await.is_ok_and(|answer| answer.status().is_success())
    }

    fn log(&self) -> String {
        let path = self.folder().map(|folder| folder.join("log"));
        path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            // It is gone already if either fails.
            let _ = own.child.kill();
            let _ = own.child.wait();
        }
    }
}

/// The binary, built from today's sources: optimised for figures, as the tests have it otherwise. `$SKIFF` names another one to measure.
pub fn skiff(size: Size) -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(given) = std::env::var_os("SKIFF") {
            return given.into();
        }
        let own = std::env::current_exe().expect("a program knows its own path");
        // target/<profile>/deps/<bench>-<hash>
        let target = own.ancestors().nth(3).expect("benches lie in the target folder");
        let (profile, folder) = size.pick(("dev", "debug"), ("release", "release"));
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "skiff", "--profile", profile]);
        // What the outer cargo says of this package would make build scripts, and all that depends on them, run again.
        for (name, _) in std::env::vars_os() {
            if OUTER.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                build.env_remove(name);
            }
        }
        let built = build.arg("--target-dir").arg(target).current_dir(root()).status();
        assert!(built.is_ok_and(|status| status.success()), "skiff does not build");
        target.join(folder).join("skiff")
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the checkout")
}
