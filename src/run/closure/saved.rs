//! What the closure proof holds of one table as plain data, for the journal: the keys of a table, and what its rows refer to,
//! are held apart from those of every other table, so a finished table's can be written down and taken back.

use super::held::{Counted, Held};
use super::{Closure, Group};
use crate::error::Result;
use crate::model::journal::Piece;
use crate::model::schema::TableName;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// Prints in one piece: 1 MiB of keys, 2 MiB of references.
const PIECE: usize = 1 << 17;

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Closure<'_> {
    /// The key of the prints.
    pub(in crate::run) fn key(&self) -> [u64; 2] {
        self.prints.key()
    }

    /// Hands out what is held of a finished table, in pieces.
    pub(in crate::run) fn save(&self, table: &TableName, each: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        let Some(watched) = self.watched.get(table) else { return Ok(()) };
        for &group in &watched.groups {
            let mut held = self.groups[group].held.lock().unwrap_or_else(PoisonError::into_inner);
            let (prints, left_out) = held.parents();
            prints.chunks(PIECE).try_for_each(|part| each(Piece::Parents(number(group), left_out, part.to_vec())))?;
        }
        for &at in &watched.edges {
            let Some(edge) = &self.edges[at] else { continue };
            let mut held = self.groups[edge.group].held.lock().unwrap_or_else(PoisonError::into_inner);
            let (prints, left_out) = held.children(edge.number);
            prints.chunks(PIECE).try_for_each(|part| each(Piece::Children(number(at), left_out, part.to_vec())))?;
        }
        Ok(())
    }

    /// Rows of a finished table that reference something, by number of the reference.
    pub(in crate::run) fn rows(&self, table: &TableName) -> Vec<(u32, u64)> {
        let edges = self.watched.get(table).map_or(&[][..], |watched| &watched.edges);
        let rows = |&at: &usize| Some((number(at), self.edges[at].as_ref()?.rows.load(Ordering::Relaxed)));
        edges.iter().filter_map(rows).collect()
    }

    /// Takes back a piece that another capture of the same references, with the same key, handed out. Pieces of other things
    /// are none of its business.
    pub(in crate::run) fn absorb(&self, piece: &Piece) {
        let add = |group: &Group, left_out: u64, add: &dyn Fn(&mut Held)| {
            self.hold(group, |held| {
                held.leave_out(left_out);
                add(held);
            });
        };
        match piece {
            Piece::Parents(group, left_out, prints) => {
                if let Some(group) = self.groups.get(*group as usize) {
                    add(group, *left_out, &|held| held.add_parents(prints));
                }
            }
            Piece::Children(edge, left_out, prints) => {
                if let Some(Some(edge)) = self.edges.get(*edge as usize) {
                    let prints: &[Counted] = prints;
                    add(&self.groups[edge.group], *left_out, &|held| held.add_children(edge.number, prints));
                }
            }
            Piece::Met(..) => {}
        }
    }

    /// Counts rows of a finished table.
    pub(in crate::run) fn add_rows(&self, rows: &[(u32, u64)]) {
        for (edge, count) in rows {
            if let Some(Some(edge)) = self.edges.get(*edge as usize) {
                edge.rows.fetch_add(*count, Ordering::Relaxed);
            }
        }
    }
}
