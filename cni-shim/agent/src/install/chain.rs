//! What has to change in the configuration folder, and the changes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    FolderError, Primary, Way,
    conflist::Configuration,
    folder::{files, is_list, is_orphan, made_of, original, read, remove, write},
    plugin_folder,
};

/// What has to change.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The runtime does not find our entry, unless this is done.
    pub(super) is_missing: bool,
    list: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    /// A configuration gets this content, and the mode of another.
    Write {
        like: PathBuf,
        path: PathBuf,
        text: String,
    },
    /// A configuration goes.
    Remove(PathBuf),
    /// Our file in a plugin folder comes.
    Place(PathBuf),
    /// It goes.
    Withdraw(PathBuf),
}

/// What it takes that the runtime calls the plugin, once, for the primary network.
pub(super) fn chain(conf_dir: &Path, primary: &Primary, way: Way) -> Result<Changes, FolderError> {
    let orphans = orphans(conf_dir, primary)?;
    if !orphans.is_empty() {
        // They decide what the primary network is: look again without them.
        return Ok(Changes {
            is_missing: false,
            list: orphans,
        });
    }
    // The list that we made stands for a file that its owner may have changed since.
    let (source, target) = match original(&primary.path) {
        Some(original) => (original, primary.path.clone()),
        None if is_list(&primary.path) => (primary.path.clone(), primary.path.clone()),
        None => (primary.path.clone(), made_of(&primary.path)),
    };
    let Some(found) = read(&source)? else {
        return Ok(Changes::default());
    };
    let file = plugin_folder::path(conf_dir, &found.name).filter(|_| !found.is_inlined_only());
    let current = read(&target)?;
    let is_inlined = current.is_some_and(|current| current.is_chained());
    let wants_folder = match way {
        Way::Folder => true,
        Way::List => false,
        Way::AsItIs => file.as_deref().is_some_and(plugin_folder::is_placed),
    };
    if way == Way::AsItIs && !wants_folder && !is_inlined {
        return Ok(Changes {
            is_missing: true,
            list: Vec::new(),
        });
    }
    let mut changes = Changes::default();
    let file = file.filter(|_| wants_folder);
    if let Some(file) = &file
        && !plugin_folder::is_placed(file)
    {
        changes.is_missing = true;
        changes.list.push(Change::Place(file.clone()));
    }
    changes
        .list
        .extend(rewrite(&source, &target, found, file.is_some()));
    changes.is_missing |= file.is_none() && !is_inlined;
    // After the list has our entry, where it is to have it.
    let others = plugin_folder::all(conf_dir).into_iter();
    let others = others.filter(|other| Some(other) != file.as_ref());
    changes.list.extend(others.map(Change::Withdraw));
    Ok(changes)
}

/// The list with our entry, or without it.
fn rewrite(source: &Path, target: &Path, found: Configuration, without: bool) -> Option<Change> {
    // What is right already is not touched: its owner's formatting stays.
    if source == target && found.is_chained() != without {
        return None;
    }
    let text = if without {
        found.unchained()
    } else {
        found.chained()
    }
    .text();
    let is_same = fs::read_to_string(target).is_ok_and(|current| current == text);
    (!is_same).then(|| Change::Write {
        like: source.to_owned(),
        path: target.to_owned(),
        text,
    })
}

/// What it takes that no configuration names the plugin.
pub(super) fn unchain(conf_dir: &Path) -> Result<Changes, FolderError> {
    let mut list = Vec::new();
    for path in files(conf_dir)? {
        if original(&path).is_some() || is_orphan(&path) {
            list.push(Change::Remove(path));
        } else if is_list(&path)
            && let Some(found) = read(&path)?.filter(Configuration::is_chained)
        {
            let rest = found.unchained();
            list.push(if rest.types.is_empty() {
                // Nothing but us: a list of nothing would be refused.
                Change::Remove(path)
            } else {
                Change::Write {
                    like: path.clone(),
                    path,
                    text: rest.text(),
                }
            });
        }
    }
    list.extend(
        plugin_folder::all(conf_dir)
            .into_iter()
            .map(Change::Withdraw),
    );
    Ok(Changes {
        is_missing: false,
        list,
    })
}

/// A list that we made of a file that is gone would keep a network alive that its owner has removed;
/// one that is no longer the first was made of a file that is no longer the first.
fn orphans(conf_dir: &Path, primary: &Primary) -> Result<Vec<Change>, FolderError> {
    let mut paths = files(conf_dir)?;
    paths.retain(|path| is_orphan(path) || (original(path).is_some() && *path != primary.path));
    Ok(paths.into_iter().map(Change::Remove).collect())
}

// === impl Changes ===

impl Changes {
    pub(super) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Does them, in their order, and lets the runtime know.
    pub(super) fn apply(&self, conf_dir: &Path) -> Result<(), FolderError> {
        // Runtimes don't watch plugin folders.
        let last = self.list.last();
        let is_unseen = matches!(last, Some(Change::Place(_) | Change::Withdraw(_)));
        if is_unseen {
            plugin_folder::owe_nudge(conf_dir)?;
        }
        for change in &self.list {
            match change {
                Change::Write { like, path, text } => write(like, path, text)?,
                Change::Remove(path) => remove(path)?,
                Change::Place(path) => plugin_folder::place(path)?,
                Change::Withdraw(path) => plugin_folder::remove(path)?,
            }
        }
        plugin_folder::nudge(conf_dir)
    }
}
