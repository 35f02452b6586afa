//! A set of paths, kept as a sorted tree of steps, and its algebra.

use std::cmp::Ordering;

use super::Element;

/// A set of paths into an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by element; each is a member or has children.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) element: Element,
    /// Whether the path that ends here is in the set.
    pub(super) member: bool,
    /// The longer paths.
    pub(super) children: FieldSet,
}

impl Node {
    const fn is_empty(&self) -> bool {
        !self.member && self.children.nodes.is_empty()
    }
}

impl FieldSet {
    pub const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    pub fn from_paths<'a>(paths: impl IntoIterator<Item = &'a [Element]>) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(path);
        }
        set
    }

    /// Takes nodes in any order; those of the same element are united.
    pub(super) fn from_nodes(mut nodes: Vec<Node>) -> Self {
        nodes.retain(|node| !node.is_empty());
        if !nodes.is_sorted_by(|a, b| a.element < b.element) {
            nodes.sort_by(|a, b| a.element.cmp(&b.element));
            nodes.dedup_by(|next, kept| {
                let same = next.element == kept.element;
                if same {
                    kept.member |= next.member;
                    kept.children = kept.children.union(&next.children);
                }
                same
            });
        }
        Self { nodes }
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Adds a path. The empty path adds nothing.
    pub fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else { return };
        let at = match self.nodes.binary_search_by(|node| node.element.cmp(first)) {
            Ok(at) => at,
            Err(at) => {
                let children = Self::new();
                self.nodes.insert(at, Node { element: first.clone(), member: false, children });
                at
            }
        };
        if rest.is_empty() {
            self.nodes[at].member = true;
        } else {
            self.nodes[at].children.insert(rest);
        }
    }

    pub fn has(&self, path: &[Element]) -> bool {
        let Some((last, parents)) = path.split_last() else { return false };
        let mut set = self;
        for element in parents {
            match set.find(element) {
                Some(node) => set = &node.children,
                None => return false,
            }
        }
        set.find(last).is_some_and(|node| node.member)
    }

    pub(super) fn find(&self, element: &Element) -> Option<&Node> {
        let found = self.nodes.binary_search_by(|node| node.element.cmp(element)).ok()?;
        self.nodes.get(found)
    }

    /// All paths, those that end at a level before those that go on.
    pub fn paths(&self) -> Vec<Vec<Element>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<Element>, out: &mut Vec<Vec<Element>>) {
        for node in self.nodes.iter().filter(|node| node.member) {
            let mut path = prefix.clone();
            path.push(node.element.clone());
            out.push(path);
        }
        for node in &self.nodes {
            prefix.push(node.element.clone());
            node.children.collect(prefix, out);
            prefix.pop();
        }
    }

    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, &|a, b| match (a, b) {
            (Some(a), Some(b)) => Some((a.member || b.member, a.children.union(&b.children))),
            (Some(only), None) | (None, Some(only)) => Some((only.member, only.children.clone())),
            (None, None) => None,
        })
    }

    /// Like `union`, without a copy where one is empty.
    #[must_use]
    pub(super) fn merged(self, other: Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ => self.union(&other),
        }
    }

    /// Takes single paths out.
    pub(super) fn forget(&mut self, names: &[&str]) {
        for node in &mut self.nodes {
            if matches!(&node.element, Element::Field(name) if names.contains(&&**name)) {
                node.member = false;
            }
        }
        self.nodes.retain(|node| !node.is_empty());
    }

    /// The longer paths that begin with a field.
    pub(super) fn below(&mut self, name: &str) -> Option<&mut Self> {
        let is_it = |node: &&mut Node| matches!(&node.element, Element::Field(n) if **n == *name);
        self.nodes.iter_mut().find(is_it).map(|node| &mut node.children)
    }

    /// Whether both have a path in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (few, many) =
            if self.nodes.len() <= other.nodes.len() { (self, other) } else { (other, self) };
        few.nodes.iter().any(|node| {
            many.find(&node.element).is_some_and(|found| {
                (node.member && found.member) || node.children.meets(&found.children)
            })
        })
    }

    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, &|a, b| {
            let (a, b) = (a?, b?);
            Some((a.member && b.member, a.children.intersection(&b.children)))
        })
    }

    /// The paths that the other does not have, whatever it has above or below them.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, &|a, b| {
            let a = a?;
            Some(match b {
                Some(b) => (a.member && !b.member, a.children.difference(&b.children)),
                None => (a.member, a.children.clone()),
            })
        })
    }

    /// The paths that the other has neither themselves nor above them.
    #[must_use]
    pub fn difference_below(mut self, other: &Self) -> Self {
        if other.is_empty() {
            return self;
        }
        self.nodes.retain_mut(|node| match other.find(&node.element) {
            None => true,
            Some(found) if found.member => false,
            Some(found) => {
                let children = std::mem::take(&mut node.children);
                node.children = children.difference_below(&found.children);
                !node.is_empty()
            }
        });
        self
    }

    /// Walks both in step and asks for the node of each element that either has.
    fn combine(
        &self,
        other: &Self,
        rule: &impl Fn(Option<&Node>, Option<&Node>) -> Option<(bool, Self)>,
    ) -> Self {
        let (mut ours, mut theirs) = (self.nodes.iter().peekable(), other.nodes.iter().peekable());
        let mut nodes = Vec::new();
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return Self { nodes },
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.element.cmp(&b.element),
            };
            let a = if order == Ordering::Greater { None } else { ours.next() };
            let b = if order == Ordering::Less { None } else { theirs.next() };
            let Some(element) = a.or(b).map(|node| &node.element) else { continue };
            if let Some((member, children)) = rule(a, b)
                && (member || !children.is_empty())
            {
                nodes.push(Node { element: element.clone(), member, children });
            }
        }
    }
}
