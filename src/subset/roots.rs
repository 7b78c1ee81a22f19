//! Where a walk begins: the rows that roots choose, and whole tables.

use super::keys::ENDLESS;
use super::select::{self, Share};
use super::walk::{Ask, Walk};
use crate::engine::Query;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::mask::key::{DomainKey, Role};
use crate::model::manifest::Why;
use crate::model::subset::{Children, Root};

impl Walk<'_> {
    /// The level of rows that a root chooses.
    pub(super) fn root_level(&self) -> u8 {
        match self.subset.children {
            Children::None => 0,
            Children::Down | Children::All => self.subset.depth.map_or(ENDLESS, |depth| depth.min(100)),
        }
    }

    /// Takes the rows that every root chooses.
    ///
    /// # Errors
    /// As [`Ask::ask`].
    pub fn start(&mut self, ask: &mut dyn Ask, sample: &DomainKey) -> Result<()> {
        for at in 0..self.roots.len() {
            let root = self.roots[at].clone();
            self.take_root(ask, &root, sample, at, self.root_level())?;
        }
        Ok(())
    }

    /// Takes every row of the table at this index, without following its children.
    ///
    /// # Errors
    /// As [`Ask::ask`].
    pub fn take_whole(&mut self, ask: &mut dyn Ask, table: usize) -> Result<()> {
        let graph = self.graph;
        let every = Sql::new(graph.engine).lit("1 = 1");
        let query = select::headers(graph.engine, &graph.nodes[table], &every);
        self.step += 1;
        self.is_whole[table] = true;
        ask.ask(&mut std::iter::once(query), &mut |_, batch| {
            (0..batch.rows()).try_for_each(|row| self.row(table, &batch, row, Why::Whole, 0, 0))
        })
    }

    /// Takes the rows of a root, in the name of the root at `number`.
    pub(super) fn take_root(
        &mut self,
        ask: &mut dyn Ask,
        root: &Root,
        sample: &DomainKey,
        number: usize,
        level: u8,
    ) -> Result<()> {
        let graph = self.graph;
        let gone = || Error::internal(format!("the root {} is not in the catalogue", root.table));
        let at = graph.nodes.iter().position(|node| node.table.name == root.table).ok_or_else(gone)?;
        let node = &graph.nodes[at];
        let draw = sample.prf(Role::Token, &[b"share", root.table.to_string().as_bytes()]);
        let secret = |at: usize| i64::try_from(draw.word(at) % 2_147_483_646).unwrap_or(0) + 1;
        match root.share.map(|share| (share, select::share(graph.engine, node, share, (secret(0), secret(1))))) {
            None => self.take_rows(ask, at, select::root(graph.engine, node, root, None, true), number, level),
            Some((_, Share::Sql(share))) => {
                self.take_rows(ask, at, select::root(graph.engine, node, root, Some(&share), true), number, level)
            }
            Some((share, Share::Reader)) => {
                let query = select::root(graph.engine, node, root, None, false);
                let threshold = u64::MAX / 1_000_000 * u64::from(share);
                let mut left = root.limit.unwrap_or(u64::MAX);
                self.take_some(ask, at, query, number, level, &mut |key| {
                    let taken = left > 0 && sample.prf(Role::Token, &[b"row", key]).word(0) <= threshold;
                    left -= u64::from(taken);
                    taken
                })
            }
        }
    }

    /// Takes the rows of a header query in the name of a root.
    pub(super) fn take_rows(
        &mut self,
        ask: &mut dyn Ask,
        at: usize,
        query: Query,
        root: usize,
        level: u8,
    ) -> Result<()> {
        self.take_some(ask, at, query, root, level, &mut |_| true)
    }

    fn take_some(
        &mut self,
        ask: &mut dyn Ask,
        at: usize,
        query: Query,
        root: usize,
        level: u8,
        wanted: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<()> {
        let node = &self.graph.nodes[at];
        let number = u16::try_from(root).map_err(|_| Error::policy("the subset has more than 65,535 roots"))?;
        self.step += 1;
        let mut key = Vec::with_capacity(24);
        ask.ask(&mut std::iter::once(query), &mut |_, batch| {
            for row in 0..batch.rows() {
                key.clear();
                node.coder.encode((0..node.identity.len()).map(|cell| batch.cell(row, cell)), &mut key);
                if wanted(&key) {
                    self.counts.roots[root] += 1;
                    self.row(at, &batch, row, Why::Root(number), level, 0)?;
                }
            }
            Ok(())
        })
    }
}
