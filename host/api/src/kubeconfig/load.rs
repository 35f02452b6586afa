//! Which files are read, how they become one configuration, and which file a change goes to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Config, Error, Named};

/// Where to look, as the command line and the environment say; the caller reads both.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--kubeconfig`.
    pub flag: Option<PathBuf>,
    /// `$KUBECONFIG`.
    pub variable: Option<std::ffi::OsString>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

impl Sources {
    /// The files in order of precedence.
    pub fn files(&self) -> Vec<PathBuf> {
        if let Some(flag) = &self.flag {
            return vec![flag.clone()];
        }
        if let Some(variable) = self.variable.as_ref().filter(|v| !v.is_empty()) {
            let mut files = Vec::new();
            for file in std::env::split_paths(variable) {
                if !file.as_os_str().is_empty() && !files.contains(&file) {
                    files.push(file);
                }
            }
            return files;
        }
        self.home.iter().map(|home| home.join(".kube").join("config")).collect()
    }

    /// Reads and merges the files. A file that is missing is skipped, unless it was asked for by
    /// name.
    pub fn load(&self) -> Result<Loaded, Error> {
        let files = self.files();
        let mut loaded = Loaded { default_file: files.first().cloned(), ..Loaded::default() };
        for path in &files {
            let text = match std::fs::read_to_string(path) {
                Ok(text) => text,
                Err(source)
                    if source.kind() == std::io::ErrorKind::NotFound && self.flag.is_none() =>
                {
                    continue;
                }
                Err(source) => return Err(Error::Read { path: path.clone(), source }),
            };
            let config = parse(path, &text)?;
            loaded.add(path, config);
        }
        // With several files, new things go to the last one, as kubectl does where none exists.
        if let Some(existing) = files.iter().find(|f| f.exists()).or_else(|| files.last()) {
            loaded.default_file = Some(existing.clone());
        }
        Ok(loaded)
    }
}

/// The merged configuration, with every path absolute, and the file each part came from.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The merged content.
    pub config: Config,
    /// Each file as it was read.
    files: BTreeMap<PathBuf, Config>,
    default_file: Option<PathBuf>,
}

impl Loaded {
    /// The file that a new entry or the current context is written to.
    pub fn default_file(&self) -> Option<&Path> {
        self.default_file.as_deref()
    }

    fn add(&mut self, path: &Path, file: Config) {
        self.files.insert(path.to_owned(), file.clone());
        let folder = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = folder.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        let mut file = file;
        for cluster in &mut file.clusters {
            make_absolute(&folder, &mut cluster.value.cluster.certificate_authority);
        }
        for user in &mut file.users {
            make_absolute(&folder, &mut user.value.user.client_certificate);
            make_absolute(&folder, &mut user.value.user.client_key);
            make_absolute(&folder, &mut user.value.user.token_file);
        }
        let merged = &mut self.config;
        add_missing(&mut merged.clusters, file.clusters);
        add_missing(&mut merged.contexts, file.contexts);
        add_missing(&mut merged.users, file.users);
        if merged.current_context.is_empty() {
            merged.current_context = file.current_context;
        }
        for (key, value) in file.rest {
            merged.rest.entry(key).or_insert(value);
        }
    }

    /// Changes the configuration on disk: every file that holds a part that `change` touches is
    /// rewritten; what is new goes to the default file. Other parts keep their relative paths.
    pub fn update(&mut self, change: impl Fn(&mut Config)) -> Result<(), Error> {
        let mut wanted = self.config.clone();
        change(&mut wanted);
        let Some(default) = self.default_file.clone() else { return Err(Error::NoServer) };
        self.files.entry(default.clone()).or_default();
        let before = self.config.clone();
        let current_moved = wanted.current_context != before.current_context;
        let holds_current: Option<PathBuf> = self
            .files
            .iter()
            .find(|(_, file)| !file.current_context.is_empty())
            .map(|(path, _)| path.clone());
        for (path, file) in &mut self.files {
            let old = file.clone();
            let is_default = *path == default;
            merge_list(&mut file.clusters, &before.clusters, &wanted.clusters, is_default);
            merge_list(&mut file.contexts, &before.contexts, &wanted.contexts, is_default);
            merge_list(&mut file.users, &before.users, &wanted.users, is_default);
            if current_moved && holds_current.as_ref().map_or(is_default, |holder| holder == path) {
                file.current_context.clone_from(&wanted.current_context);
            }
            if *file != old || (is_default && !path.exists()) {
                write(path, file)?;
            }
        }
        self.config = wanted;
        Ok(())
    }
}

/// Writes one file: in a folder that may not exist yet, readable by its owner only, whole or not at
/// all.
pub(crate) fn write(path: &Path, config: &Config) -> Result<(), Error> {
    use std::io::Write;
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let text = serde_saphyr::to_string(config).map_err(|e| failed(std::io::Error::other(e)))?;
    // A link stays a link: its target is replaced.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut beside = path.clone().into_os_string();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&beside, &path).map_err(failed)
}

impl Config {
    /// Reads one file as it is, without making its paths absolute.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        parse(path, &text)
    }

    /// Writes this configuration as one file.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write(path, self)
    }
}

fn parse(path: &Path, text: &str) -> Result<Config, Error> {
    if text.trim().is_empty() {
        return Ok(Config::default());
    }
    serde_saphyr::from_str(text)
        .map_err(|e| Error::Parse { path: path.to_owned(), reason: e.to_string() })
}

fn make_absolute(folder: &Path, file: &mut String) {
    if !file.is_empty() && Path::new(file.as_str()).is_relative() {
        *file = folder.join(file.as_str()).to_string_lossy().into_owned();
    }
}

fn add_missing<T>(merged: &mut Vec<Named<T>>, more: Vec<Named<T>>) {
    for entry in more {
        if !merged.iter().any(|known| known.name == entry.name) {
            merged.push(entry);
        }
    }
}

/// Brings the difference between `before` and `wanted` into one file's list.
fn merge_list<T: Clone + PartialEq>(
    file: &mut Vec<Named<T>>,
    before: &[Named<T>],
    wanted: &[Named<T>],
    takes_new: bool,
) {
    let find = |list: &[Named<T>], name: &str| list.iter().find(|e| e.name == name).cloned();
    file.retain(|entry| find(wanted, &entry.name).is_some() || find(before, &entry.name).is_none());
    for entry in wanted {
        let old = find(before, &entry.name);
        if old.as_ref() == Some(entry) {
            continue;
        }
        match file.iter_mut().find(|known| known.name == entry.name) {
            Some(known) => known.value = entry.value.clone(),
            None if old.is_none() && takes_new => file.push(entry.clone()),
            None => {}
        }
    }
}
