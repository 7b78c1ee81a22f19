//! The section of a table as it would be proposed, as text for a policy file. What undecided tables are answered with, what
//! `detect` writes and what a new policy begins with are the same lines.

use super::file::Mode;
use super::names::{key, quoted};
use super::propose::{Proposal, Proposals, is_personal};
use crate::classify::{About, Guess};
use crate::model::schema::{Table, TableKind};
use crate::model::tier::Tier;

/// Comments stand behind this column at most.
const COMMENTS_AT: usize = 76;
/// A line of kept columns is not longer.
const WIDTH: usize = 110;

/// A proposal for a table and all of its columns.
#[derive(Debug)]
pub struct Sketch<'a> {
    /// The table.
    pub table: &'a Table,
    /// What it is about.
    pub about: About,
    /// What to take of it.
    pub mode: Mode,
    /// Its stored columns, in order.
    pub columns: Vec<SketchColumn>,
}

/// A column of a [`Sketch`].
#[derive(Debug)]
pub struct SketchColumn {
    /// Its index in the table.
    pub at: usize,
    /// What it seems to hold.
    pub guess: Guess,
    /// What to do with it.
    pub proposal: Proposal,
    /// Whether it is too unsure to be decided without a person, or nothing fits.
    pub open: bool,
}

impl Proposals<'_> {
    /// A proposal for a whole table. What is less sure than `least`, of 100, stays open.
    #[must_use]
    pub fn sketch(&self, table: usize, least: u8) -> Sketch<'_> {
        let about = &self.catalogue().tables[table];
        let proposals = self.table(table).into_iter().enumerate();
        let columns: Vec<SketchColumn> = proposals
            .filter(|(at, _)| !about.columns[*at].generated)
            .map(|(at, proposal)| {
                let guess = self.guesses().at(table, at).cloned().unwrap_or_else(Guess::none);
                // That something is nothing takes less to believe: most columns are nothing.
                let least = if guess.tier == Tier::None { least.saturating_sub(10) } else { least };
                SketchColumn { at, open: proposal.is_open() || guess.confidence < least, guess, proposal }
            })
            .collect();
        let what = self.guesses().about(table).unwrap_or(About::Business);
        let personal = columns.iter().any(|column| column.proposal.mask != "keep");
        let mode = match what {
            _ if about.kind != TableKind::Ordinary => Mode::Exclude,
            About::Traces if !self.has_children(table) => Mode::Structure,
            About::Lookup if !personal => Mode::Reference,
            _ => Mode::Capture,
        };
        Sketch { table: about, about: what, mode, columns }
    }
}

impl Sketch<'_> {
    /// The section as text. `section` stands before `tables` in the heading; with comments, every masked column says why.
    #[must_use]
    pub fn text(&self, section: &str, comments: bool) -> String {
        let name = format!("{section}tables.{}", key(&self.table.name.to_string()));
        let mut lines = vec![format!("[{name}]"), format!("mode = {}", quoted(self.mode.word()))];
        if !self.mode.has_rows() {
            return lines.join("\n");
        }
        let named = |column: &&SketchColumn| quoted(&self.table.columns[column.at].name);
        let is_kept = |column: &&SketchColumn| !column.open && column.proposal.mask == "keep";
        let kept: Vec<&SketchColumn> = self.columns.iter().filter(is_kept).collect();
        // A lookup table keeps what does not look personal by itself.
        let all = self.mode == Mode::Reference && kept.iter().all(|column| !is_personal(&column.guess));
        if !all && !kept.is_empty() {
            lines.extend(list(&kept.iter().map(named).collect::<Vec<_>>()));
        }
        let masked: Vec<&SketchColumn> =
            self.columns.iter().filter(|column| column.open || column.proposal.mask != "keep").collect();
        if !masked.is_empty() {
            lines.push(format!("[{name}.columns]"));
            lines.extend(self.rules(&masked, comments));
        }
        lines.join("\n")
    }

    /// Only rules for the columns that are left, for a table that the policy has already.
    #[must_use]
    pub fn rest(&self, section: &str) -> String {
        let heading = format!("[{section}tables.{}.columns]", key(&self.table.name.to_string()));
        let rules = self.rules(&self.columns.iter().collect::<Vec<_>>(), true);
        std::iter::once(heading).chain(rules).collect::<Vec<_>>().join("\n")
    }

    fn rules(&self, columns: &[&SketchColumn], comments: bool) -> Vec<String> {
        let written: Vec<String> = columns.iter().map(|column| self.rule(column)).collect();
        let fits = |line: &&String| line.chars().count() <= COMMENTS_AT;
        let width = written.iter().filter(fits).map(|line| line.chars().count()).max().unwrap_or(0);
        let commented = written.into_iter().zip(columns).map(|(line, column)| {
            if !comments {
                return line;
            }
            let Guess { tier, kind, confidence, reason } = &column.guess;
            format!("{line:width$}  # {tier} {kind} {confidence} %: {}", reason.escape_debug())
        });
        commented.collect()
    }

    /// `column = rule`, as a comment where a person has to decide.
    fn rule(&self, column: &SketchColumn) -> String {
        let name = key(&self.table.columns[column.at].name);
        let rule = if column.proposal.is_open() { "..." } else { &column.proposal.rule };
        if column.open { format!("# undecided: {name} = {rule}") } else { format!("{name} = {rule}") }
    }
}

/// `keep = [...]`, in several lines where one would be long.
fn list(names: &[String]) -> Vec<String> {
    let one = format!("keep = [{}]", names.join(", "));
    if one.chars().count() <= WIDTH {
        return vec![one];
    }
    let mut lines = vec!["keep = [".to_owned()];
    let mut line = String::from("    ");
    for name in names {
        if line.chars().count() + name.chars().count() + 2 > WIDTH && line.trim() != "" {
            lines.push(line.trim_end().to_owned());
            line = String::from("    ");
        }
        line.push_str(&format!("{name}, "));
    }
    lines.push(line.trim_end().to_owned());
    lines.push("]".to_owned());
    lines
}
