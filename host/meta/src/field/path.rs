//! Where in an object something is: `spec.containers[0].env[PATH]`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A path to a field. A longer path shares its beginning with the one it was made from, so that
/// validation can make paths freely; the text is only written when an error shows it.
#[derive(Clone, Debug)]
pub struct Path(Arc<Node>);

#[derive(Debug)]
struct Node {
    parent: Option<Path>,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Name(Cow<'static, str>),
    Index(usize),
    Key(Box<str>),
}

impl Path {
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Node { parent: None, step: Step::Name(name.into()) }))
    }

    /// A path of several names from the root: `["spec", "template"]`.
    pub fn of<const N: usize>(names: [&'static str; N]) -> Self {
        let mut names = names.into_iter();
        let root = Self::new(names.next().unwrap_or_default());
        names.fold(root, |path, name| path.child(name))
    }

    /// A path that begins with a subscript, as errors about a list itself have.
    pub fn root_index(index: usize) -> Self {
        Self(Arc::new(Node { parent: None, step: Step::Index(index) }))
    }

    #[must_use]
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> Self {
        self.then(Step::Name(name.into()))
    }

    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(Step::Key(key.into()))
    }

    fn then(&self, step: Step) -> Self {
        Self(Arc::new(Node { parent: Some(self.clone()), step }))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node { parent, step } = &*self.0;
        if let Some(parent) = parent {
            parent.fmt(f)?;
        }
        match step {
            Step::Name(name) if parent.is_some() => write!(f, ".{name}"),
            Step::Name(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

impl From<&'static str> for Path {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}
