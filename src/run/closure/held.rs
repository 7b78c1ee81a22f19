//! The keys of one parent and the references to them, as 64-bit prints: sorted runs without repeats, and beyond a limit
//! only a share of all prints, the same on both sides.

use std::mem;

/// A list is put in order when this many prints wait, or as many as it holds.
const WAITING: usize = 8192;

/// A print and how many rows have it.
pub(super) type Counted = (u64, u64);

/// What is held of one group of references: those to the same columns of the same table.
#[derive(Default)]
pub(super) struct Held {
    parents: Sorted<u64>,
    /// By reference of the group.
    children: Vec<Sorted<Counted>>,
    /// Prints with a bit in it are not held.
    left_out: u64,
}

/// Distinct prints in order, and some that wait to join them.
struct Sorted<T> {
    items: Vec<T>,
    /// So many of them are in order.
    ordered: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { items: Vec::new(), ordered: 0 }
    }
}

/// What a list is made of.
pub(super) trait Item: Copy + Ord {
    fn print(self) -> u64;
    /// Counts `other`, which has the same print.
    fn join(&mut self, other: Self);
}

impl Item for u64 {
    fn print(self) -> u64 {
        self
    }

    fn join(&mut self, _: Self) {}
}

impl Item for Counted {
    fn print(self) -> u64 {
        self.0
    }

    fn join(&mut self, other: Self) {
        self.1 += other.1;
    }
}

impl<T: Item> Sorted<T> {
    fn add(&mut self, items: &[T], left_out: u64) {
        if self.items.len() + items.len() > self.items.capacity() {
            // Doubling would take as much again as is held.
            self.items.reserve_exact(items.len().max(self.items.len() / 4));
        }
        self.items.extend(items.iter().filter(|item| item.print() & left_out == 0));
        if self.items.len() - self.ordered >= WAITING.max(self.ordered) {
            self.put_in_order();
        }
    }

    fn put_in_order(&mut self) {
        if self.ordered == self.items.len() {
            return;
        }
        distinct(&mut self.items);
        self.ordered = self.items.len();
    }

    fn tidy(&mut self) {
        self.put_in_order();
        self.items.shrink_to_fit();
    }

    fn leave_out(&mut self, left_out: u64) {
        self.put_in_order();
        self.items.retain(|item| item.print() & left_out == 0);
        self.ordered = self.items.len();
        self.items.shrink_to_fit();
    }

    fn words(&self) -> usize {
        self.items.capacity() * mem::size_of::<T>() / mem::size_of::<u64>()
    }
}

/// Puts items in order and joins those with the same print.
pub(super) fn distinct<T: Item>(items: &mut Vec<T>) {
    items.sort_unstable();
    items.dedup_by(|next, kept| {
        let same = next.print() == kept.print();
        if same {
            kept.join(*next);
        }
        same
    });
}

impl Held {
    /// Makes room for one more reference, and gives its number.
    pub(super) fn another(&mut self) -> usize {
        self.children.push(Sorted::default());
        self.children.len() - 1
    }

    pub(super) fn add_parents(&mut self, prints: &[u64]) {
        self.parents.add(prints, self.left_out);
    }

    pub(super) fn add_children(&mut self, of: usize, prints: &[Counted]) {
        if let Some(children) = self.children.get_mut(of) {
            children.add(prints, self.left_out);
        }
    }

    /// The keys of the parent, in order, and what is left out of them.
    pub(super) fn parents(&mut self) -> (&[u64], u64) {
        self.parents.put_in_order();
        (&self.parents.items, self.left_out)
    }

    /// What one reference of the group refers to, in order, and what is left out of it.
    pub(super) fn children(&mut self, of: usize) -> (&[Counted], u64) {
        let children = self.children.get_mut(of).map_or(&[][..], |children| {
            children.put_in_order();
            &children.items
        });
        (children, self.left_out)
    }

    /// Leaves out what another capture had left out.
    pub(super) fn leave_out(&mut self, left_out: u64) {
        if left_out & !self.left_out != 0 {
            self.left_out |= left_out;
            self.parents.leave_out(self.left_out);
            self.children.iter_mut().for_each(|children| children.leave_out(self.left_out));
        }
    }

    /// Memory taken, in words of eight bytes.
    pub(super) fn words(&self) -> usize {
        self.parents.words() + self.children.iter().map(Sorted::words).sum::<usize>()
    }

    /// Takes no more memory than it needs; true.
    pub(super) fn tidy(&mut self) -> bool {
        self.parents.tidy();
        self.children.iter_mut().for_each(Sorted::tidy);
        true
    }

    /// Holds half of what it held; false where nothing more can be left out.
    pub(super) fn halve(&mut self) -> bool {
        if self.left_out == u64::MAX {
            return false;
        }
        self.leave_out((self.left_out << 1) | 1);
        true
    }

    /// Of each reference: rows that were held against the parents, and those that found none.
    pub(super) fn finish(mut self) -> Vec<(u64, u64)> {
        self.tidy();
        let parents = &self.parents.items;
        let resolve = |children: Sorted<Counted>| {
            let (mut held, mut dangling, mut at) = (0, 0, 0);
            for (print, rows) in children.items {
                held += rows;
                at += parents[at..].iter().take_while(|parent| **parent < print).count();
                dangling += if parents.get(at) == Some(&print) { 0 } else { rows };
            }
            (held, dangling)
        };
        self.children.into_iter().map(resolve).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(at: u64) -> u64 {
        (at + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (at << 7)
    }

    #[test]
    fn repeats_cost_nothing_and_rows_are_counted() {
        let mut held = Held::default();
        let reference = held.another();
        for _ in 0..1000 {
            held.add_children(reference, &(0..1000).map(|at| (spread(at), 2)).collect::<Vec<_>>());
        }
        held.add_parents(&(100..2000).map(spread).collect::<Vec<_>>());
        assert!(held.words() < 64 << 10, "{}", held.words());
        assert_eq!(held.finish(), [(2_000_000, 200_000)]);
    }

    #[test]
    fn both_sides_hold_the_same_share() {
        let mut held = Held::default();
        let reference = held.another();
        for round in 0..20 {
            held.add_children(reference, &(0..1000).map(|at| (spread(round * 1000 + at), 1)).collect::<Vec<_>>());
            if round == 10 {
                (0..3).for_each(|_| assert!(held.halve()));
            }
        }
        (0..20).for_each(|round| held.add_parents(&(0..1000).map(|at| spread(round * 1000 + at)).collect::<Vec<_>>()));
        let words = held.words();
        let [(compared, dangling)] = held.finish()[..] else { panic!("one reference") };
        assert_eq!(dangling, 0, "what is held of one side is held of the other");
        assert!((1500..3500).contains(&compared) && words < 20_000, "{compared} {words}");
    }
}
