//! Facts of a kind, as data.
//!
//! Everything in which one kind differs from another in a way that verbs, discovery or printers can act on generically is a field of
//! [`KindInfo`]. A verb that asks "is this a Pod?" is a sign that a field is missing here. Rules that need to look into an object are
//! methods of [`crate::Kind`] instead.
//!
//! Built-in kinds write their facts as a constant over [`KindInfo::namespaced`] or [`KindInfo::cluster`]; custom kinds fill the same
//! struct from their definition, which is why texts are `&'static str` (see [`crate::intern`]).
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{ListableResource, Resource};

use crate::columns::{self, Column};
use crate::names::{NameRule, PrefixRule};

/// What verbs need to know of a kind without looking at an object of it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct KindInfo {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub list_kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short_names: &'static [&'static str],
    /// Groups of kinds that one word stands for, such as `all`.
    pub categories: &'static [&'static str],
    /// Name of the wire type in `OpenAPI` and in [`crate::schema`].
    pub type_name: &'static str,
    pub namespaced: bool,
    pub verbs: &'static [Verb],
    /// Whether `/status` exists, so that the main resource never writes the status.
    pub status: bool,
    /// Whether a new object keeps the status that it is created with.
    pub status_on_create: bool,
    /// Whether a write to `/status` leaves the metadata as it was, but for who owns which fields.
    pub status_keeps_metadata: bool,
    pub scale: Option<ScalePaths>,
    /// Subresources besides `status` and `scale`.
    pub subresources: &'static [Subresource],
    pub generation: Generation,
    /// What nobody owns by writing there, where that differs from the usual: the subresource, and the fields as dotted paths.
    pub unowned: &'static [(&'static str, &'static [&'static str])],
    /// Annotations that stand for fields of another version. Only whole objects show them, and not what is made of their metadata alone.
    pub of_other_versions: &'static [&'static str],
    /// How the name of an object is checked.
    pub name_rule: NameRule,
    pub prefix_rule: PrefixRule,
    /// Whether the metadata of a new object is looked at only if nothing else is wrong with it.
    pub metadata_last: bool,
    /// Whether finalizers need no domain.
    pub plain_finalizers: bool,
    /// Whether reads that need not be the latest come from a cache in Kubernetes, which answers some of them otherwise than its store.
    pub watch_cache: bool,
    /// Field selectors besides `metadata.name` and `metadata.namespace`.
    pub selectable: &'static [&'static str],
    /// Columns of the table that the server prints.
    pub columns: &'static [Column],
    /// What cannot be shown as a table: subresources, and with an empty name the objects themselves.
    pub without_table: &'static [&'static str],
    /// Whether PUT to a name that does not exist creates it.
    pub create_on_update: bool,
    /// Whether PUT without a resourceVersion overwrites whatever is there.
    pub unconditional_update: bool,
    pub delete_answer: DeleteAnswer,
    pub default_propagation: Propagation,
    /// Whether DELETE first marks the object and waits for somebody to confirm (see [`crate::Kind::grace_secs`]).
    pub graceful_deletion: bool,
    /// Whether a deleted object stays until a controller of its kind has cleared away what belongs to it.
    pub staged_deletion: bool,
    /// Advice for everybody who uses the kind at all, sent with every answer.
    pub deprecated: Option<&'static str>,
    /// Kind under which objects are stored, where several versions or groups show the same objects.
    pub stored_as: Option<StoredAs>,
    /// Whether an object is one that others get by default. Lists for people mark the newest of them.
    pub is_default: Option<fn(&ObjectMeta) -> bool>,
    /// Whether users have defined the kind.
    pub is_custom: bool,
    /// Whether the kind itself is being removed: its objects can be read, changed and deleted, but no new ones come.
    pub ending: bool,
}

impl KindInfo {
    /// Usual facts of a kind whose objects live in namespaces.
    #[must_use]
    pub const fn namespaced<K: Resource + ListableResource>() -> Self {
        Self::named::<K>(K::LIST_KIND)
    }

    const fn named<K: Resource>(list_kind: &'static str) -> Self {
        Self {
            group: K::GROUP,
            version: K::VERSION,
            kind: K::KIND,
            list_kind,
            plural: K::URL_PATH_SEGMENT,
            ..Self::usual()
        }
    }

    /// What is usual, of a kind without a name.
    pub(crate) const fn usual() -> Self {
        Self {
            group: "",
            version: "",
            kind: "",
            list_kind: "",
            plural: "",
            singular: "",
            short_names: &[],
            categories: &[],
            type_name: "",
            namespaced: true,
            verbs: Verb::ALL,
            status: false,
            status_on_create: false,
            status_keeps_metadata: false,
            scale: None,
            subresources: &[],
            generation: Generation::Unused,
            unowned: &[],
            of_other_versions: &[],
            name_rule: NameRule::Subdomain,
            prefix_rule: PrefixRule::Always,
            metadata_last: false,
            plain_finalizers: false,
            watch_cache: true,
            selectable: &[],
            columns: columns::NAME_AND_AGE,
            without_table: &[],
            create_on_update: false,
            unconditional_update: true,
            delete_answer: DeleteAnswer::Status,
            default_propagation: Propagation::Background,
            graceful_deletion: false,
            staged_deletion: false,
            deprecated: None,
            stored_as: None,
            is_default: None,
            is_custom: false,
            ending: false,
        }
    }

    /// Usual facts of a kind whose objects belong to the cluster.
    #[must_use]
    pub const fn cluster<K: Resource + ListableResource>() -> Self {
        let mut info = Self::namespaced::<K>();
        info.namespaced = false;
        info
    }

    /// Facts of a kind that is a question: the answer to its create is all there is of it.
    #[must_use]
    pub const fn question<K: Resource>() -> Self {
        let mut info = Self::named::<K>("");
        info.namespaced = false;
        info.verbs = Verb::CREATE;
        info.without_table = &[""];
        info
    }

    /// `v1`, `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    #[must_use]
    pub fn group_resource(&self) -> meta::GroupResource {
        meta::GroupResource { group: self.group.into(), resource: self.plural.into() }
    }

    #[must_use]
    pub fn group_kind(&self) -> meta::GroupKind {
        meta::GroupKind { group: self.group.into(), kind: self.kind.into() }
    }

    #[must_use]
    pub fn gvk(&self) -> meta::GroupVersionKind {
        meta::GroupVersionKind {
            group: self.group.into(),
            version: self.version.into(),
            kind: self.kind.into(),
        }
    }

    #[must_use]
    pub fn gvr(&self) -> meta::GroupVersionResource {
        meta::GroupVersionResource {
            group: self.group.into(),
            version: self.version.into(),
            resource: self.plural.into(),
        }
    }

    /// The name of the object that others get by default: the newest that says so, of several of one second the first by name.
    #[must_use]
    pub fn default_among(&self, objects: impl Iterator<Item = ObjectMeta>) -> Option<String> {
        let is_default = self.is_default?;
        let newest = objects.filter(is_default).max_by(|a, b| {
            let created = |object: &ObjectMeta| object.creation_timestamp.as_ref().map(|at| at.0);
            created(a).cmp(&created(b)).then_with(|| b.name.cmp(&a.name))
        });
        newest.and_then(|object| object.name)
    }

    /// Group and resource under which objects are stored.
    #[must_use]
    pub fn storage_resource(&self) -> meta::GroupResource {
        match self.stored_as {
            Some(stored) => {
                meta::GroupResource { group: stored.group.into(), resource: stored.plural.into() }
            }
            None => self.group_resource(),
        }
    }

    /// Whether the kind takes away by itself what a writer of the main path says of the status. One that is stored as another version shows
    /// some of it in annotations, which belong to their writer all the same.
    #[must_use]
    pub const fn drops_status(&self) -> bool {
        self.stored_as.is_some() && !self.is_custom
    }

    /// All subresources, `status` and `scale` included, in the order of discovery.
    #[must_use]
    pub fn all_subresources(&self) -> Vec<Subresource> {
        let mut all = self.subresources.to_vec();
        if self.status {
            all.push(Subresource::STATUS);
        }
        if self.scale.is_some() {
            all.push(Subresource::SCALE);
        }
        if !self.is_custom {
            all.sort_by_key(|subresource| subresource.name);
        }
        all
    }

    #[must_use]
    pub fn subresource(&self, name: &str) -> Option<Subresource> {
        self.all_subresources().into_iter().find(|subresource| subresource.name == name)
    }

    #[must_use]
    pub fn has_verb(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// The verbs that discovery tells. A kind that is being removed advertises only what helps with that.
    #[must_use]
    pub fn advertised_verbs(&self) -> &'static [Verb] {
        if self.ending { Verb::OF_ENDING } else { self.verbs }
    }
}

/// A verb of a resource, in the order in which discovery lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Create,
    Delete,
    DeleteCollection,
    Get,
    List,
    Patch,
    Update,
    Watch,
}

impl Verb {
    pub const ALL: &'static [Self] = &[
        Self::Create,
        Self::Delete,
        Self::DeleteCollection,
        Self::Get,
        Self::List,
        Self::Patch,
        Self::Update,
        Self::Watch,
    ];
    /// Of kinds that can only be deleted one by one.
    pub const NO_COLLECTION_DELETE: &'static [Self] = &[
        Self::Create,
        Self::Delete,
        Self::Get,
        Self::List,
        Self::Patch,
        Self::Update,
        Self::Watch,
    ];
    /// Of kinds that are questions: the answer to a create is all there is.
    pub const CREATE: &'static [Self] = &[Self::Create];
    /// Of kinds that can only be looked at.
    pub const GET_LIST: &'static [Self] = &[Self::Get, Self::List];
    pub const GET_PATCH_UPDATE: &'static [Self] = &[Self::Get, Self::Patch, Self::Update];
    /// Of kinds that users define, in the order in which discovery lists theirs.
    pub const OF_CUSTOM: &'static [Self] = &[
        Self::Delete,
        Self::DeleteCollection,
        Self::Get,
        Self::List,
        Self::Patch,
        Self::Create,
        Self::Update,
        Self::Watch,
    ];
    /// Of kinds that are being removed.
    pub const OF_ENDING: &'static [Self] =
        &[Self::Delete, Self::DeleteCollection, Self::Get, Self::List, Self::Watch];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A path below an object. Discovery shows `kind` as the type of what is sent there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subresource {
    pub name: &'static str,
    /// The type sent there; `None` is the object itself.
    pub body: Option<SubresourceBody>,
    pub verbs: &'static [Verb],
}

/// Type of what is sent to a subresource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubresourceBody {
    /// Empty with an empty `version` where discovery names neither.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
}

impl Subresource {
    pub const STATUS: Self = Self { name: "status", body: None, verbs: Verb::GET_PATCH_UPDATE };
    pub const SCALE: Self = Self {
        name: "scale",
        body: Some(SubresourceBody { group: "autoscaling", version: "v1", kind: "Scale" }),
        verbs: Verb::GET_PATCH_UPDATE,
    };
}

/// Where an object keeps what `/scale` shows, as dotted paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    pub spec_replicas: &'static str,
    pub status_replicas: &'static str,
    pub selector: Option<Selector>,
}

impl ScalePaths {
    /// Of every built-in kind with a label selector.
    pub const WORKLOAD: Self = Self {
        spec_replicas: ".spec.replicas",
        status_replicas: ".status.replicas",
        selector: Some(Selector::Labels(".spec.selector")),
    };
}

/// Where an object keeps its selector and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// A `LabelSelector`.
    Labels(&'static str),
    /// A map of labels.
    Map(&'static str),
    /// A string, as custom kinds have it.
    Text(&'static str),
}

/// When `metadata.generation` moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// It is never set.
    Unused,
    /// It stays that of a new object.
    First,
    /// It counts changes of anything but metadata and status.
    Spec,
    /// It counts changes of annotations too.
    SpecAndAnnotations,
    /// It counts changes of labels too.
    SpecAndLabels,
    /// It counts changes of anything but metadata and status, and new objects have none.
    SpecOfChanged,
    /// It counts changes of anything but metadata.
    All,
}

impl Generation {
    /// That of a new object.
    #[must_use]
    pub const fn first(self) -> Option<i64> {
        match self {
            Self::Unused | Self::SpecOfChanged => None,
            Self::First
            | Self::Spec
            | Self::SpecAndAnnotations
            | Self::SpecAndLabels
            | Self::All => Some(1),
        }
    }
}

/// Body of the answer to a DELETE that removed the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteAnswer {
    Object,
    Status,
}

/// What happens to dependents when a DELETE names no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Background,
    Orphan,
    /// The kind never has dependents, whatever a DELETE asks for.
    Unsupported,
}

/// The kind whose stored objects another kind shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredAs {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
}
