//! What a command line points at: `pods`, `pod/web`, `deploy web api`, `pods,services`, `all`.

use anyhow::bail;

use crate::discovery::{Resource, Resources};

/// One resource, and an object of it unless all are meant.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: Resource,
    pub(crate) name: Option<String>,
}

/// Reads the words of a command line.
pub(crate) fn parse(words: &[String], resources: &Resources) -> anyhow::Result<Vec<Target>> {
    let Some((first, names)) = words.split_first() else {
        bail!("you must specify the type of resource, such as `pods` or `deployment/web`")
    };
    if words.iter().any(|word| word.contains('/')) {
        return words.iter().map(|word| slashed(word, resources)).collect();
    }
    let mut targets = Vec::new();
    for kind in first.split(',') {
        for resource in resources.expand(kind)? {
            if names.is_empty() {
                targets.push(Target { resource: resource.clone(), name: None });
            }
            for name in names {
                targets.push(Target { resource: resource.clone(), name: Some(name.clone()) });
            }
        }
    }
    Ok(targets)
}

/// The one object that a command needs, such as `deployment/web` or `deployment web`.
pub(crate) fn one(words: &[String], resources: &Resources) -> anyhow::Result<(Resource, String)> {
    let mut targets = parse(words, resources)?;
    match (targets.pop(), targets.is_empty()) {
        (Some(Target { resource, name: Some(name) }), true) => Ok((resource, name)),
        _ => bail!("name exactly one object, such as `deployment/web`"),
    }
}

fn slashed(word: &str, resources: &Resources) -> anyhow::Result<Target> {
    let Some((kind, name)) = word.split_once('/') else {
        bail!(
            "there is no need to name a type and a name as separate words beside \"TYPE/NAME\": {word}"
        )
    };
    if name.is_empty() || name.contains('/') {
        bail!("{word} is not of the form TYPE/NAME")
    }
    Ok(Target { resource: resources.find(kind)?.clone(), name: Some(name.to_owned()) })
}
