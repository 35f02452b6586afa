//! Trust: the cluster's own certificate authority, everything it vouches for, and the key that signs
//! `ServiceAccount` tokens. All of it exists from the first start on, under `<data-dir>/pki`, and is
//! renewed while the server runs: handshakes take the certificate from a resolver that is swapped.
//!
//! Reads and writes only its folder and `<data-dir>/kubeconfig`. A certificate and its key are one file. A file that cannot be read or makes
//! no sense is an error that names it: nothing is replaced silently, since a new authority would lock
//! every client out.
//!
//! What is due for renewal is decided in `plan`, without I/O. Certificates begin one hour in the past,
//! so that a client whose clock is behind accepts a new one.
//!
//! Background: <https://kubernetes.io/docs/setup/best-practices/certificates/>

mod certificate;
mod error;
mod files;
mod kubeconfig;
mod plan;
mod requested;
pub mod signing;
mod tls;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use parking_lot::Mutex;

pub(crate) use certificate::subject;
pub use error::Error;
pub use requested::{Order, RequestError};
pub use tls::ClientVerifier;

use certificate::Authority;
use files::Folder;
use plan::{Action, Item};
use signing::Signer;
use tls::Resolver;

/// The domain in which the API is `kubernetes.default.svc`.
const CLUSTER_DOMAIN: &str = "cluster.local";

/// What the certificates must say.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder; `pki/` and `kubeconfig` are made in it.
    pub data_dir: PathBuf,
    /// The address the API listens on.
    pub bind: IpAddr,
    /// The address of the Service `kubernetes`.
    pub service_address: IpAddr,
    /// The name of this machine.
    pub host_name: String,
    /// Further names and addresses under which clients reach the API.
    pub extra_names: Vec<String>,
    /// Who gets a client certificate, besides the administrator.
    pub clients: Vec<Client>,
}

/// Somebody who identifies with a client certificate: a file name, a user and its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub file: String,
    pub user: String,
    pub groups: Vec<String>,
}

impl Client {
    /// The administrator: allowed everything, whatever RBAC says.
    pub fn admin() -> Self {
        Self::new("admin", "system:admin", &["system:masters"])
    }

    pub fn scheduler() -> Self {
        Self::new("scheduler", "system:kube-scheduler", &[])
    }

    pub fn controller_manager() -> Self {
        Self::new("controller-manager", "system:kube-controller-manager", &[])
    }

    /// The agent of one node, as the Node authorizer knows it.
    pub fn node(name: &str) -> Self {
        Self::new(&format!("node-{name}"), &format!("system:node:{name}"), &["system:nodes"])
    }

    fn new(file: &str, user: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(ToString::to_string).collect();
        Self { file: file.to_string(), user: user.to_string(), groups }
    }
}

/// A certificate with its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Identity {
    fn to_pem(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }

    /// Splits at the beginning of the key.
    fn from_pem(text: &str) -> Option<Self> {
        let begin =
            text.find("PRIVATE KEY-----").and_then(|end| text.get(..end)?.rfind("-----BEGIN"))?;
        let (certificate, key) = text.split_at_checked(begin)?;
        let (certificate, key) = (certificate.to_string(), key.to_string());
        certificate.contains("-----BEGIN CERTIFICATE-----").then_some(Self { certificate, key })
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// The open trust folder.
#[derive(Debug)]
pub struct Trust {
    config: Config,
    folder: Folder,
    authority: ArcSwap<Authority>,
    resolver: Arc<Resolver>,
    clients: ArcSwap<BTreeMap<String, Identity>>,
    signer: Arc<Signer>,
    /// Where the kubeconfig says that the server is; nothing before it was asked for.
    listening: Mutex<Option<SocketAddr>>,
    /// Renewals are rare and write several files that belong together.
    renewal: Mutex<()>,
}

impl Trust {
    /// Opens the folder, making whatever it lacks and renewing whatever is due.
    pub fn open(config: Config, now: Timestamp) -> Result<Self, Error> {
        let folder = Folder::open(config.data_dir.join("pki"))?;
        let signer = Arc::new(Signer::from_pem(&signing_key(&folder)?)?);
        let authority = authority(&folder, now)?;
        let trust = Self {
            config,
            folder,
            authority: ArcSwap::from_pointee(authority),
            resolver: Arc::new(Resolver::default()),
            clients: ArcSwap::default(),
            signer,
            listening: Mutex::new(None),
            renewal: Mutex::new(()),
        };
        trust.renew(now)?;
        Ok(trust)
    }

    /// Renews what is due and takes it into use. Says when to ask again.
    pub fn renew(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let _one_at_a_time = self.renewal.lock();
        let wanted = self.wanted();
        let seen = self.look(&wanted)?;
        for action in plan::plan(&wanted, &seen, now) {
            self.perform(&action, now)?;
        }
        self.take_into_use(&wanted)?;
        Ok(plan::next_look(&self.look(&wanted)?, now))
    }

    /// The configuration of the API's listener. Certificates renewed later are used without a new one.
    pub fn server_config(&self) -> Result<Arc<rustls::ServerConfig>, Error> {
        tls::server_config(Arc::clone(&self.resolver))
    }

    /// What tells whether a client's certificate is one of this authority.
    pub fn client_verifier(&self) -> Result<ClientVerifier, Error> {
        ClientVerifier::new(&self.authority_certificate())
    }

    /// The authority's certificate as PEM: what clients trust, and what `kube-root-ca.crt` holds.
    pub fn authority_certificate(&self) -> String {
        self.authority.load().certificate().to_string()
    }

    /// Signs what somebody else asks for. Says nothing about whether they may have it.
    pub fn sign(&self, order: &Order<'_>) -> Result<String, RequestError> {
        self.authority.load().sign(order)
    }

    /// The identity of one of the configured clients, or of the administrator, by its file name.
    pub fn client(&self, file: &str) -> Option<Identity> {
        self.clients.load().get(file).cloned()
    }

    /// What signs and checks `ServiceAccount` tokens.
    pub fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    /// Writes `<data-dir>/kubeconfig` for the administrator, with everything embedded, now and whenever a certificate in it is renewed.
    pub fn write_kubeconfig(&self, listening: SocketAddr) -> Result<PathBuf, Error> {
        *self.listening.lock() = Some(listening);
        let path = self.kubeconfig_path();
        self.refresh_kubeconfig()?;
        Ok(path)
    }

    fn kubeconfig_path(&self) -> PathBuf {
        self.config.data_dir.join("kubeconfig")
    }

    /// Writes the kubeconfig unless nobody asked for one, or it is as it should be.
    fn refresh_kubeconfig(&self) -> Result<(), Error> {
        let Some(listening) = *self.listening.lock() else { return Ok(()) };
        let Some(admin) = self.client(&Client::admin().file) else { return Ok(()) };
        let text = kubeconfig::render(listening, &self.authority_certificate(), &admin);
        let path = self.kubeconfig_path();
        if std::fs::read(&path).is_ok_and(|present| present == text.as_bytes()) {
            return Ok(());
        }
        files::write_private(&path, text.as_bytes())
    }

    fn wanted(&self) -> Vec<plan::Wanted> {
        let mut wanted = vec![
            plan::Wanted { item: Item::Authority, names: Vec::new() },
            plan::Wanted { item: Item::Server, names: server_names(&self.config) },
        ];
        let clients = std::iter::once(Client::admin()).chain(self.config.clients.iter().cloned());
        wanted.extend(
            clients.map(|client| plan::Wanted { item: Item::Client(client), names: Vec::new() }),
        );
        wanted
    }

    fn look(&self, wanted: &[plan::Wanted]) -> Result<Vec<Option<plan::Seen>>, Error> {
        let authority = self.authority.load();
        wanted
            .iter()
            .map(|wanted| {
                let name = wanted.item.file();
                let Some(identity) = self.folder.read_identity(name)? else { return Ok(None) };
                let path = self.folder.path_of(name);
                certificate::inspect(&identity, &authority, &path).map(Some)
            })
            .collect()
    }

    fn perform(&self, action: &Action, now: Timestamp) -> Result<(), Error> {
        let name = action.item.file();
        tracing::info!(certificate = name, reason = %action.reason, "issuing a certificate");
        let authority = self.authority.load();
        let identity = match &action.item {
            Item::Authority => {
                let renewed = authority.renewed(now)?;
                let identity = renewed.identity();
                self.authority.store(Arc::new(renewed));
                identity
            }
            Item::Server => authority.issue_server(&action.names, now)?,
            Item::Client(client) => authority.issue_client(client, now)?,
        };
        self.folder.write_identity(name, &identity)
    }

    fn take_into_use(&self, wanted: &[plan::Wanted]) -> Result<(), Error> {
        let mut clients = BTreeMap::new();
        for wanted in wanted {
            let name = wanted.item.file();
            let Some(identity) = self.folder.read_identity(name)? else { continue };
            match &wanted.item {
                Item::Authority => {}
                Item::Server => {
                    self.resolver.swap(&identity, &self.folder.path_of(name))?;
                }
                Item::Client(client) => {
                    clients.insert(client.file.clone(), identity);
                }
            }
        }
        self.clients.store(Arc::new(clients));
        self.refresh_kubeconfig()
    }
}

fn authority(folder: &Folder, now: Timestamp) -> Result<Authority, Error> {
    let name = Item::Authority.file();
    if let Some(identity) = folder.read_identity(name)? {
        return Authority::from_identity(&identity, &folder.path_of(name));
    }
    let authority = Authority::new(now)?;
    folder.write_identity(name, &authority.identity())?;
    Ok(authority)
}

fn signing_key(folder: &Folder) -> Result<String, Error> {
    const NAME: &str = "service-account.key";
    if let Some(key) = folder.read(NAME)? {
        return Ok(key);
    }
    let key = signing::generate()?;
    folder.write(NAME, &key)?;
    Ok(key)
}

fn server_names(config: &Config) -> Vec<String> {
    let fixed = ["localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default"];
    let mut names: Vec<String> = fixed.iter().map(ToString::to_string).collect();
    names.push("kubernetes.default.svc".to_string());
    names.push(format!("kubernetes.default.svc.{CLUSTER_DOMAIN}"));
    names.push(config.service_address.to_string());
    if !config.bind.is_unspecified() {
        names.push(config.bind.to_string());
    }
    if !config.host_name.is_empty() {
        names.push(config.host_name.clone());
    }
    names.extend(config.extra_names.iter().cloned());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
