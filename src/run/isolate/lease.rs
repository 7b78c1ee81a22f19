//! Leases: a clone for whoever asks, a ready one where there is one, and what becomes of it afterwards.

use super::registry::{Entry, Keeper, Role, State};
use super::rows::Loading;
use super::{Ground, Template, names};
use crate::engine::isolate::{Admission, Held, How, Outcome, Resettable, Rung};
use crate::error::{Error, Result};
use crate::model::schema::TableName;
use crate::run::{Context, now};
use crate::secret::Address;
use std::time::Duration;

/// What kind of clone is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One that others may have used before, put back.
    #[default]
    Reset,
    /// One that nobody has used.
    Fresh,
}

/// A clone that somebody has. Its lock is free as soon as this is dropped or the process dies; what is in it is put back before
/// anybody else gets it.
pub struct Leased {
    /// The database.
    pub name: String,
    /// The address to use it by.
    pub address: Address,
    /// Why that account reaches more than this one database; none where it does not.
    pub unlimited: Option<String>,
    /// What it was made from.
    pub template: Template,
    pub(super) open: Option<Box<dyn Resettable>>,
    /// None of a clone that somebody else has: it is only put back.
    pub(super) held: Option<Box<dyn Held>>,
}

impl std::fmt::Debug for Leased {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leased").field("name", &self.name).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Leased {
    /// Puts the clone back through the connection that is open, without its host, so that several can be at it at once. None where
    /// only [`Ground::reset`] can: it is not open, or it is spoiled.
    ///
    /// # Errors
    /// As [`Resettable::reset`].
    pub fn put_back(&mut self, context: &Context<'_>, how: &How) -> Result<Option<Outcome>> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let done = open.reset(how, &mut Loading { context, rows: self.template.rows.as_ref() });
        if !matches!(done, Ok(Outcome::Done(_))) {
            self.open = None;
        }
        done.map(Some)
    }

    pub(super) fn admission(&self) -> Admission {
        Admission { address: self.address.clone(), unlimited: self.unlimited.clone() }
    }
}

impl Ground {
    /// Gives a clone of `template` away: one that is ready, else a new one, under the name of one that a killed holder left where
    /// there is such.
    ///
    /// # Errors
    /// Kind `Locked` when there may be no more clones and all are in use; else as the server says.
    pub fn lease(&mut self, context: &Context<'_>, template: &Template, mode: Mode) -> Result<Leased> {
        self.wake()?;
        let mut there = self.registry.clones(&template.name)?;
        there.retain(|entry| entry.state != State::Kept);
        there.sort_by(|a, b| (a.state, &a.used, &a.name).cmp(&(b.state, &b.used, &b.name)));
        for entry in there {
            context.cancel.check()?;
            let Some(held) = self.host.hold(&names::clone_lock(&entry.name), Duration::ZERO)? else { continue };
            // It may have been somebody's since it was read.
            if let Some(entry) = self.registry.find(&entry.name)?.filter(|entry| entry.state != State::Kept) {
                return self.take(context, template, entry, held, mode);
            }
        }
        self.make(context, template)
    }

    /// Makes a clone that is there fit for somebody new.
    fn take(
        &mut self,
        context: &Context<'_>,
        template: &Template,
        mut entry: Entry,
        held: Box<dyn Held>,
        mode: Mode,
    ) -> Result<Leased> {
        // What a killed holder left is made anew: the command that it ran may still be at work there, with the password.
        let is_whole = entry.state == State::Ready && mode == Mode::Reset;
        self.is_now(&mut entry, State::Resetting, "")?;
        let kept = if is_whole { self.kept(context, template, &entry.name)? } else { None };
        let open = match kept {
            Some(open) => open,
            None => {
                context.stage(format!("making the clone {} anew", entry.name));
                self.host.remove(&entry.name)?;
                self.host.clone_template(&template.name, &entry.name)?;
                self.host.open(&template.name, &entry.name)?
            }
        };
        self.hand_out(template, entry, open, held)
    }

    /// Puts a clone back as it is found; none where it cannot be.
    fn kept(&mut self, context: &Context<'_>, template: &Template, name: &str) -> Result<Option<Box<dyn Resettable>>> {
        context.cancel.check()?;
        let Ok(mut open) = self.host.open(&template.name, name) else { return Ok(None) };
        let done = open.reset(&self.usual(), &mut Loading { context, rows: template.rows.as_ref() });
        match done {
            Ok(Outcome::Done(done)) => {
                if done.rung != Rung::Clean {
                    let what = format!("{name} was written to after it was given back{}", of_tables(&done.tables));
                    let hint = "It was put back once more. A connection of an earlier suite is still open somewhere.";
                    context.warn(what, Some(hint.to_owned()));
                }
                Ok(Some(open))
            }
            Ok(Outcome::Spoiled(why)) => {
                context.note(format!("{name} is made anew: {why}"));
                Ok(None)
            }
            Err(error) => {
                context.cancel.check()?;
                context.note(format!("{name} is made anew: {error}"));
                Ok(None)
            }
        }
    }

    fn make(&mut self, context: &Context<'_>, template: &Template) -> Result<Leased> {
        let registry = self.hold_registry()?;
        let line = self.registry.find(&template.name)?;
        if line.is_none_or(|line| line.state != State::Ready) {
            return Err(Error::locked(format!("the template {} was removed meanwhile", template.name))
                .hint("Run again; it is made anew."));
        }
        self.make_room(context, &template.name)?;
        let (name, held) = self.free_name(&template.name)?;
        let mut entry = Entry {
            template: template.name.clone(),
            snapshot: template.snapshot.clone(),
            ..Entry::begun(Role::Clone, &name, &template.label, self.me())
        };
        self.registry.add(&entry)?;
        drop(registry);
        context.stage(format!("making the clone {}", entry.name));
        let made = self.host.clone_template(&template.name, &entry.name);
        let opened = made.and_then(|()| self.host.open(&template.name, &entry.name));
        match opened {
            Ok(open) => {
                entry.made = now();
                self.hand_out(template, entry, open, held)
            }
            Err(error) => Err(self.undo(&entry.name, error)),
        }
    }

    /// The first name that nothing has, not even a database of somebody else.
    fn free_name(&mut self, template: &str) -> Result<(String, Box<dyn Held>)> {
        let taken = self.registry.clones(template)?;
        for number in 1.. {
            let name = names::clone(template, number);
            if taken.iter().any(|entry| entry.name == name) || self.host.exists(&name)? {
                continue;
            }
            if let Some(held) = self.host.hold(&names::clone_lock(&name), Duration::ZERO)? {
                return Ok((name, held));
            }
        }
        Err(Error::internal("there is no free name for a clone"))
    }

    /// Makes sure that one more clone may be: a free one of another template goes for it.
    fn make_room(&mut self, context: &Context<'_>, template: &str) -> Result<()> {
        let Some(most) = self.limits.clones else { return Ok(()) };
        let mut clones = self.registry.all()?;
        clones.retain(|entry| entry.role == Role::Clone && entry.state != State::Kept);
        if clones.len() < most {
            return Ok(());
        }
        clones.sort_by(|a, b| a.used.cmp(&b.used));
        for entry in clones.iter().filter(|entry| entry.template != template) {
            if self.remove_clone(&entry.name)? {
                context.note(format!("{} made room for a clone of another template", entry.name));
                return Ok(());
            }
        }
        Err(Error::locked(format!("all {most} clones that this host may have are in use"))
            .hint("Wait for one, or raise 'clones' in [isolation] of terp-fixtures.toml."))
    }

    fn hand_out(
        &mut self,
        template: &Template,
        mut entry: Entry,
        open: Box<dyn Resettable>,
        held: Box<dyn Held>,
    ) -> Result<Leased> {
        let Admission { address, unlimited } = self.host.admit(&template.name, &entry.name)?;
        entry.address = address.to_string();
        entry.used = now();
        self.is_now(&mut entry, State::Leased, "")?;
        let (open, held) = (Some(open), Some(held));
        Ok(Leased { name: entry.name, address, unlimited, template: template.clone(), open, held })
    }

    /// A clone that somebody else has, to be put back for them.
    ///
    /// # Errors
    /// Kind `Guard` when the registry does not list it.
    pub fn attach(&mut self, name: &str, address: &Address) -> Result<Leased> {
        let refused = |why: &str| {
            Error::guard(format!("'{address}' is not put back: {why}"))
                .hint("Only clones that 'exec' and 'pool serve' made are reset. For other databases see 'restore' and 'rollback'.")
        };
        self.wake()?;
        let entry = self.registry.find(name)?.ok_or_else(|| refused("the registry of its host does not list it"))?;
        if entry.role != Role::Clone {
            return Err(refused(&format!("it is a {} database", entry.role.word())));
        }
        if entry.state == State::Building {
            return Err(Error::locked(format!("'{address}' is being made")).hint("Wait and run again."));
        }
        let template = self.registry.find(&entry.template)?.filter(|line| line.state == State::Ready);
        let template = Template::of(&template.ok_or_else(|| refused("its template is gone"))?)?;
        Ok(Leased {
            name: name.to_owned(),
            address: address.clone(),
            unlimited: None,
            template,
            open: None,
            held: None,
        })
    }

    /// Takes a clone back and keeps it for the next, put back.
    ///
    /// # Errors
    /// As [`reset`](Self::reset); then the next who gets it has it made anew.
    pub fn give_back(&mut self, context: &Context<'_>, mut leased: Leased) -> Result<()> {
        self.wake()?;
        let Some(mut entry) = self.registry.find(&leased.name)? else { return Ok(()) };
        self.is_now(&mut entry, State::Resetting, "")?;
        let how = self.usual();
        match self.reset(context, &mut leased, &how, false) {
            Ok(_) => {
                entry.keeper = Keeper::default();
                entry.used = now();
                entry.state = State::Ready;
                self.registry.save(&entry)
            }
            Err(error) => match self.is_now(&mut entry, State::Spoiled, error.what()) {
                Ok(()) => Err(error),
                Err(second) => Err(error.caused_by(second)),
            },
        }
    }

    /// Leaves a clone as it is: nobody gets it, and only a person removes it.
    ///
    /// # Errors
    /// As the server says.
    pub fn keep(&mut self, leased: Leased) -> Result<()> {
        if let Some(mut entry) = self.registry.find(&leased.name)? {
            self.is_now(&mut entry, State::Kept, "is kept to be looked at")?;
        }
        drop(leased);
        Ok(())
    }

    /// Takes a clone back and removes it.
    ///
    /// # Errors
    /// As the server says; then `doctor --clean` removes it.
    pub fn discard(&mut self, leased: Leased) -> Result<()> {
        let Leased { name, open, held, .. } = leased;
        drop(open);
        self.wake()?;
        if let Some(mut entry) = self.registry.find(&name)? {
            self.is_now(&mut entry, State::Spoiled, "")?;
            self.host.remove(&name)?;
            self.registry.remove(&name)?;
        }
        drop(held);
        Ok(())
    }

    /// Writes down what a line has become by this process.
    pub(super) fn is_now(&mut self, entry: &mut Entry, state: State, note: &str) -> Result<()> {
        entry.state = state;
        entry.keeper = self.me();
        note.clone_into(&mut entry.note);
        self.registry.save(entry)
    }
}

/// `: orders, items`, no more than ten.
pub(super) fn of_tables(tables: &[TableName]) -> String {
    let names: Vec<String> = tables.iter().take(10).map(ToString::to_string).collect();
    let more = tables.len().saturating_sub(10);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!(": {}", names.join(", ")),
        _ => format!(": {} and {more} more", names.join(", ")),
    }
}
