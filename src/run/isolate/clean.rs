//! What is on a host, and the end of it: leftovers of killed programs, and templates and clones that are in the way.

use super::registry::{Entry, Role, State};
use super::{Ground, names};
use crate::error::Result;
use crate::run::Context;
use std::time::Duration;

/// A line of the registry, and what the host says of it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The line.
    pub entry: Entry,
    /// What it takes on the disk; none where it is gone.
    pub bytes: Option<u64>,
    /// Whether somebody holds it now.
    pub in_use: bool,
}

/// Something that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The database.
    pub name: String,
    /// What it was.
    pub role: Role,
    /// The state it was in.
    pub state: State,
}

/// What cleaning did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// What went.
    pub removed: Vec<Removed>,
    /// What stays although it was to go, because somebody holds it.
    pub in_use: Vec<String>,
}

impl Ground {
    /// Everything that the registry lists, by name.
    ///
    /// # Errors
    /// As the server says.
    pub fn entries(&mut self) -> Result<Vec<Listed>> {
        self.wake()?;
        let mut found = Vec::new();
        for entry in self.registry.all()? {
            let in_use = self.host.hold(&lock(&entry), Duration::ZERO)?.is_none();
            let bytes = if self.host.exists(&entry.name)? { Some(self.host.bytes(&entry.name)?) } else { None };
            found.push(Listed { entry, bytes, in_use });
        }
        Ok(found)
    }

    /// Removes what killed programs left; with `all` also templates and clones that are ready and nobody's. What somebody holds
    /// stays.
    ///
    /// # Errors
    /// As the server says; what was not removed by then is still listed.
    pub fn clean(&mut self, context: &Context<'_>, all: bool) -> Result<Cleaned> {
        self.wake()?;
        let mut done = Cleaned::default();
        let mut entries = self.registry.all()?;
        // Clones first: a template with clones stays.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.role));
        for entry in entries {
            context.cancel.check()?;
            let is_left = !matches!(entry.state, State::Ready | State::Kept) || !self.host.exists(&entry.name)?;
            if !is_left && !all {
                continue;
            }
            let removed = match entry.role {
                Role::Clone | Role::Scratch => self.remove_clone(&entry.name)?,
                Role::Template => self.remove_template(&entry.name)?,
            };
            if removed {
                done.removed.push(Removed { name: entry.name, role: entry.role, state: entry.state });
            } else {
                done.in_use.push(entry.name);
            }
        }
        Ok(done)
    }

    /// Removes a template with all its clones, unless somebody holds or kept one of them. Returns whether it is gone.
    ///
    /// # Errors
    /// As the server says.
    pub fn evict(&mut self, template: &str) -> Result<bool> {
        self.wake()?;
        for clone in self.registry.clones(template)? {
            if clone.state == State::Kept || !self.remove_clone(&clone.name)? {
                return Ok(false);
            }
        }
        self.remove_template(template)
    }

    /// Removes templates beyond the number that may be kept, but never `this` one.
    pub(super) fn keep_few(&mut self, context: &Context<'_>, this: &str) -> Result<()> {
        let Some(most) = self.limits.templates else { return Ok(()) };
        let mut templates = self.registry.all()?;
        templates.retain(|entry| entry.role == Role::Template);
        let mut surplus = templates.len().saturating_sub(most.max(1));
        templates.sort_by(|a, b| a.used.cmp(&b.used));
        for entry in templates.iter().filter(|entry| entry.name != this) {
            if surplus == 0 {
                break;
            }
            if self.evict(&entry.name)? {
                context.note(format!("the template of {} made room for others", entry.label));
                surplus -= 1;
            }
        }
        Ok(())
    }

    /// Removes a clone or a scratch database that nobody holds. Returns whether it is gone.
    pub(super) fn remove_clone(&mut self, name: &str) -> Result<bool> {
        let Some(held) = self.host.hold(&names::clone_lock(name), Duration::ZERO)? else { return Ok(false) };
        if let Some(mut entry) = self.registry.find(name)? {
            self.is_now(&mut entry, State::Spoiled, "is being removed")?;
            self.host.remove(name)?;
            self.registry.remove(name)?;
        }
        drop(held);
        Ok(true)
    }

    /// Removes a template that has no clones. Nobody can clone it any more once it is marked, and that happens under the lock under
    /// which clones get their names.
    fn remove_template(&mut self, name: &str) -> Result<bool> {
        let Some(held) = self.host.hold(&names::template_lock(name), Duration::ZERO)? else { return Ok(false) };
        let registry = self.hold_registry()?;
        if !self.registry.clones(name)?.is_empty() {
            return Ok(false);
        }
        let Some(mut entry) = self.registry.find(name)? else { return Ok(true) };
        self.is_now(&mut entry, State::Spoiled, "is being removed")?;
        drop(registry);
        self.host.remove(name)?;
        self.registry.remove(name)?;
        drop(held);
        Ok(true)
    }
}

fn lock(entry: &Entry) -> String {
    match entry.role {
        Role::Template => names::template_lock(&entry.name),
        Role::Clone | Role::Scratch => names::clone_lock(&entry.name),
    }
}
