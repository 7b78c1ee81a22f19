//! The protocol of publication and garbage collection as a model: captures, collections and removals on one strongly consistent
//! store, in every order of their steps, with time passing between any two of them. An actor that stops for ever is one whose
//! turn does not come; a collection may also die and another begin.
//!
//! Times are ages that stop at the first one that decides anything, so the states are finite although time is not bounded. Steps have
//! the names of those in `replay_tests`, which drives the real functions through the same orders.

use std::collections::{HashSet, VecDeque};
use std::fmt;

/// A set of packs, or of tombs, one bit each.
type Set = u8;

const PACKS: usize = 7;
const TOMBS: usize = 3;
/// The pack that was there before, and its manifest's number.
const OLD: Set = 1;
const OLD_MANIFEST: usize = 0;

/// What the protocol says, and who is at work.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the protocol")]
pub(super) struct Rules {
    pub(super) captures: usize,
    pub(super) collections: usize,
    /// Ticks.
    pub(super) window: u8,
    pub(super) grace: u8,
    /// Only packs of the age of the grace are marked.
    pub(super) age_guard: bool,
    /// A sweep looks for manifests that came since the mark.
    pub(super) lists_again: bool,
    /// A capture looks for marks.
    pub(super) checks_marks: bool,
    /// ... whether its packs are there.
    pub(super) checks_packs: bool,
    /// ... also those that it uploaded itself.
    pub(super) checks_own: bool,
    /// ... for marks before packs.
    pub(super) marks_first: bool,
    /// A tomb stays as long as a pack of it does.
    pub(super) tombs_stay: bool,
    /// A manifest may take any time to get there; a capture then looks again behind it.
    pub(super) slow_puts: bool,
    /// It begins with a mark that is due, although its pack came back to a snapshot.
    pub(super) came_back: bool,
    /// How often a capture begins.
    pub(super) rounds: u8,
    /// Which manifests may be removed.
    pub(super) removable: Set,
}

/// The protocol as it is, with one of each at work.
pub(super) const FULL: Rules = Rules {
    captures: 1,
    collections: 1,
    window: 1,
    grace: 3,
    age_guard: true,
    lists_again: true,
    checks_marks: true,
    checks_packs: true,
    checks_own: true,
    marks_first: true,
    tombs_stay: true,
    slow_puts: false,
    came_back: false,
    rounds: 3,
    removable: 0b111,
};

/// What an actor does next. The steps of captures come first, in their order; then those of collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Step {
    /// Lists manifests.
    Manifests,
    /// Reads tombs.
    Marks,
    /// Lists packs.
    Packs,
    /// Puts a pack.
    Upload,
    /// Reads tombs for the last time; the window opens.
    MarksAgain,
    /// Lists packs for the last time.
    PacksAgain,
    /// Puts the manifest.
    Publish,
    /// The manifest gets there.
    Lands,
    /// Reads tombs because it came late.
    MarksLate,
    /// Lists packs because it came late.
    PacksLate,
    /// Nothing any more.
    Done,
    /// Writes a tomb.
    Mark,
    /// Deletes a pack.
    Delete,
    /// Deletes tombs.
    Clear,
    /// Removes a manifest.
    Remove,
    /// Time passes.
    Tick,
    /// A collection dies.
    Dies,
}

/// Who does it: captures first, then collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    Capture(usize),
    Collection(usize),
    /// Whoever removes the manifest with this number.
    Removal(usize),
    Time,
}

/// An actor and its step, on the way to a violation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Move(pub(super) Actor, pub(super) Step);

impl fmt::Debug for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Actor::Capture(nth) => write!(f, "capture {nth}: {:?}", self.1),
            Actor::Collection(nth) => write!(f, "collection {nth}: {:?}", self.1),
            Actor::Removal(nth) => write!(f, "manifest {nth} is removed"),
            Actor::Time => f.write_str("time passes"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Capture {
    at: Step,
    /// Since the last look began.
    passed: u8,
    shared: Set,
    own: Set,
    marked: Set,
    lost: Set,
    round: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Collection {
    at: Step,
    /// Tombs that it read; those that were due.
    seen: Set,
    ripe: Set,
    due: Set,
    marked: Set,
    live: Set,
    /// What it will mark, and delete; and what it leaves there.
    mark: Set,
    doomed: Set,
    left: Set,
}

const IDLE: Collection =
    Collection { at: Step::Marks, seen: 0, ripe: 0, due: 0, marked: 0, live: 0, mark: 0, doomed: 0, left: 0 };

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    packs: Set,
    ages: [u8; PACKS],
    /// By number: that of a capture is one more than its own.
    manifests: Set,
    named: [Set; 3],
    tombs: [(Set, u8); TOMBS],
    captures: [Capture; 2],
    collections: [Collection; 2],
}

impl State {
    fn start(rules: &Rules) -> Self {
        let capture = Capture { at: Step::Manifests, passed: 0, shared: 0, own: 0, marked: 0, lost: 0, round: 0 };
        let mut ages = [0; PACKS];
        ages[0] = rules.grace;
        let mut tombs = [(0, 0); TOMBS];
        if rules.came_back {
            tombs[0] = (OLD, rules.grace);
        }
        Self {
            packs: OLD,
            ages,
            manifests: 1 << OLD_MANIFEST,
            named: [OLD, 0, 0],
            tombs,
            captures: [capture; 2],
            collections: [IDLE; 2],
        }
    }

    /// What manifests name, and what tombs do.
    fn live(&self) -> Set {
        (0..3).filter(|at| self.manifests & (1 << at) != 0).fold(0, |set, at| set | self.named[at])
    }

    fn marked(&self) -> Set {
        self.tombs.iter().fold(0, |set, (packs, _)| set | packs)
    }

    /// A manifest that is there for good and names a pack that is not there.
    fn violation(&self) -> Option<usize> {
        (0..3).find(|&at| {
            let is_settled = at == OLD_MANIFEST || self.captures[at - 1].at == Step::Done;
            self.manifests & (1 << at) != 0 && is_settled && self.named[at] & !self.packs != 0
        })
    }

    fn moves(&self, rules: &Rules, moves: &mut Vec<(Move, Self)>) {
        for nth in 0..rules.captures {
            if self.captures[nth].at != Step::Done {
                moves.push((Move(Actor::Capture(nth), self.captures[nth].at), self.captures(nth, rules)));
            }
        }
        for nth in 0..rules.collections {
            let collection = self.collections[nth];
            if let Some(next) = self.collects(nth, rules) {
                moves.push((Move(Actor::Collection(nth), collection.at), next));
            }
            // Where there are two, one that stops for ever is as good as dead.
            if collection != IDLE && rules.collections == 1 {
                let mut next = *self;
                next.collections[nth] = IDLE;
                moves.push((Move(Actor::Collection(nth), Step::Dies), next));
            }
        }
        for at in 0..3 {
            let is_settled = at == OLD_MANIFEST || self.captures[at - 1].at == Step::Done;
            if self.manifests & rules.removable & (1 << at) != 0 && is_settled {
                let mut next = *self;
                next.manifests &= !(1 << at);
                next.named[at] = 0;
                moves.push((Move(Actor::Removal(at), Step::Remove), next));
            }
        }
        let later = self.later(rules);
        if later != *self {
            moves.push((Move(Actor::Time, Step::Tick), later));
        }
    }

    /// A tick later. Ages and times stop where nothing depends on them any more.
    fn later(&self, rules: &Rules) -> Self {
        let mut next = *self;
        for at in 0..PACKS {
            if self.packs & (1 << at) != 0 {
                next.ages[at] = (self.ages[at] + 1).min(rules.grace);
            }
        }
        for (packs, age) in &mut next.tombs {
            if *packs != 0 {
                *age = (*age + 1).min(rules.grace);
            }
        }
        for capture in &mut next.captures {
            if (Step::PacksAgain..Step::MarksLate).contains(&capture.at) {
                capture.passed = (capture.passed + 1).min(rules.window + 1);
            }
        }
        next
    }

    /// The next step of a capture.
    fn captures(&self, nth: usize, rules: &Rules) -> Self {
        let mut next = *self;
        let capture = &mut next.captures[nth];
        let known = |capture: &Capture| if rules.checks_own { capture.shared | capture.own } else { capture.shared };
        let marks = if rules.checks_marks { self.marked() } else { 0 };
        let gone = |set: Set| if rules.checks_packs { set & !self.packs } else { 0 };
        match capture.at {
            Step::Manifests => {
                capture.shared = self.live();
                capture.at = Step::Marks;
            }
            Step::Marks => {
                capture.shared &= !marks;
                capture.at = Step::Packs;
            }
            Step::Packs => {
                capture.shared &= self.packs;
                capture.at = Step::Upload;
            }
            Step::Upload => {
                let pack = 1 + nth * 3 + usize::from(capture.round);
                capture.own |= 1 << pack;
                capture.at = Step::MarksAgain;
                next.packs |= 1 << pack;
                next.ages[pack] = 0;
            }
            Step::MarksAgain => {
                capture.passed = 0;
                capture.lost = known(capture) & marks;
                if !rules.marks_first {
                    capture.lost = gone(known(capture));
                }
                capture.at = Step::PacksAgain;
            }
            Step::PacksAgain => {
                capture.lost |= if rules.marks_first { gone(known(capture)) } else { known(capture) & marks };
                capture.at = Step::Publish;
                capture.begin_again(rules);
            }
            Step::Publish if capture.passed > rules.window => capture.at = Step::MarksAgain,
            Step::Publish if rules.slow_puts => capture.at = Step::Lands,
            Step::Publish | Step::Lands => {
                next.manifests |= 1 << (nth + 1);
                next.named[nth + 1] = capture.shared | capture.own;
                capture.at = if capture.passed > rules.window { Step::MarksLate } else { Step::Done };
            }
            Step::MarksLate => {
                capture.lost = known(capture) & marks;
                capture.at = Step::PacksLate;
            }
            Step::PacksLate => {
                capture.lost |= gone(known(capture));
                capture.at = Step::Done;
                if capture.begin_again(rules) {
                    next.manifests &= !(1 << (nth + 1));
                    next.named[nth + 1] = 0;
                }
            }
            _ => {}
        }
        let capture = &mut next.captures[nth];
        if capture.at == Step::Done {
            (capture.passed, capture.shared, capture.own, capture.round) = (0, 0, 0, 0);
        }
        next
    }

    /// The next step of a collection, if it may take one now. Steps that would do nothing are left out.
    fn collects(&self, nth: usize, rules: &Rules) -> Option<Self> {
        let mut next = *self;
        let it = &mut next.collections[nth];
        match it.at {
            Step::Marks => {
                for (slot, (packs, age)) in self.tombs.iter().enumerate().filter(|(_, (packs, _))| *packs != 0) {
                    it.seen |= 1 << slot;
                    it.marked |= packs;
                    if *age >= rules.grace {
                        it.due |= packs;
                        it.ripe |= 1 << slot;
                    }
                }
                it.at = Step::Manifests;
            }
            Step::Manifests => {
                it.live = self.live();
                it.at = Step::Packs;
            }
            Step::Packs => {
                let old = |pack: &usize| !rules.age_guard || self.ages[*pack] >= rules.grace;
                let old: Set = (0..PACKS).filter(old).fold(0, |set, pack| set | 1 << pack);
                it.mark = self.packs & !it.live & !it.marked & old;
                it.doomed = self.packs & it.due & if rules.lists_again { !it.live } else { Set::MAX };
                it.left = self.packs & !it.doomed & it.marked;
                if rules.tombs_stay {
                    it.ripe = 0;
                }
                (it.due, it.marked, it.live) = (0, 0, 0);
                it.at = Step::Mark;
            }
            Step::Mark => {
                let held = self.collections.iter().fold(0, |set, other| set | other.seen);
                let slot = (0..TOMBS).find(|slot| self.tombs[*slot].0 == 0 && held & (1 << slot) == 0)?;
                next.tombs[slot] = (it.mark, 0);
                it.mark = 0;
                it.at = Step::Delete;
            }
            Step::Delete => {
                let pack = it.doomed & it.doomed.wrapping_neg();
                it.doomed &= !pack;
                next.packs &= !pack;
                next.ages[pack.trailing_zeros() as usize] = 0;
            }
            Step::Clear => {
                for slot in (0..TOMBS).filter(|slot| it.seen & (1 << slot) != 0) {
                    if it.ripe & (1 << slot) != 0 || next.tombs[slot].0 & it.left == 0 {
                        next.tombs[slot] = (0, 0);
                    }
                }
                *it = IDLE;
            }
            _ => {}
        }
        let it = &mut next.collections[nth];
        if it.at == Step::Mark && it.mark == 0 {
            it.at = Step::Delete;
        }
        if it.at == Step::Delete && it.doomed == 0 {
            it.at = Step::Clear;
        }
        if it.at == Step::Clear && it.seen == 0 {
            *it = IDLE;
        }
        Some(next)
    }
}

impl Capture {
    /// Where packs were lost: back to the upload, without them, so often.
    fn begin_again(&mut self, rules: &Rules) -> bool {
        if self.lost == 0 {
            return false;
        }
        self.shared &= !self.lost;
        self.own &= !self.lost;
        self.lost = 0;
        self.passed = 0;
        self.round += 1;
        self.at = if self.round < rules.rounds { Step::Upload } else { Step::Done };
        true
    }
}

/// What a search through all states found.
pub(super) struct Found {
    pub(super) states: usize,
    /// The shortest way to a violation.
    pub(super) violation: Option<Vec<Move>>,
}

/// Goes through every state that can be reached, those with fewer moves first.
pub(super) fn explore(rules: &Rules) -> Found {
    let start = State::start(rules);
    let mut seen = HashSet::from([start]);
    let mut from: Vec<(u32, Move)> = vec![(0, Move(Actor::Time, Step::Tick))];
    let mut queue = VecDeque::from([(start, 0_u32)]);
    let mut moves = Vec::new();
    while let Some((state, at)) = queue.pop_front() {
        state.moves(rules, &mut moves);
        for (by, next) in moves.drain(..) {
            if !seen.insert(next) {
                continue;
            }
            let number = u32::try_from(from.len()).unwrap();
            from.push((at, by));
            if next.violation().is_some() {
                let mut way = Vec::new();
                let mut at = number;
                while at != 0 {
                    let (before, by) = from[at as usize];
                    way.push(by);
                    at = before;
                }
                way.reverse();
                return Found { states: seen.len(), violation: Some(way) };
            }
            queue.push_back((next, number));
        }
    }
    Found { states: seen.len(), violation: None }
}

/// A tomb that is due, a pack that came back, and two collections.
const CAME_BACK: Rules =
    Rules { collections: 2, grace: 1, window: 0, rounds: 1, came_back: true, age_guard: false, ..FULL };

/// The protocol with one thing left out, and what it is.
pub(super) const WEAKENED: [(&str, Rules); 9] = [
    ("no grace", Rules { grace: 0, window: 0, ..FULL }),
    ("grace and age guard, manifests not listed again", Rules { lists_again: false, checks_marks: false, ..FULL }),
    ("no look for marks by the capture", Rules { checks_marks: false, ..FULL }),
    ("marks are looked for, manifests not listed again", Rules { lists_again: false, ..FULL }),
    ("the window is as long as the grace", Rules { window: 3, ..FULL }),
    ("no look for packs that are gone", Rules { checks_packs: false, ..FULL }),
    ("own packs are not looked for", Rules { checks_own: false, ..FULL }),
    ("packs are looked for before marks", Rules { marks_first: false, ..FULL }),
    ("a tomb is cleared though a pack came back", Rules { tombs_stay: false, ..CAME_BACK }),
];

/// The protocol as it is, with others at work and other times.
const HOLDING: [(&str, Rules); 7] = [
    ("grace 3, window 1", FULL),
    ("grace 4, window 2", Rules { grace: 4, window: 2, ..FULL }),
    ("without the age guard", Rules { age_guard: false, ..FULL }),
    ("manifests that take any time", Rules { slow_puts: true, grace: 2, ..FULL }),
    ("two captures", Rules { captures: 2, grace: 1, window: 0, rounds: 1, ..FULL }),
    ("two collections", Rules { collections: 2, grace: 1, window: 0, rounds: 1, ..FULL }),
    ("two collections, and a pack that came back", CAME_BACK),
];

#[test]
fn the_protocol_holds_in_every_order_of_its_steps() {
    for (what, rules) in HOLDING {
        let found = explore(&rules);
        println!("{what}: {} states", found.states);
        assert!(found.violation.is_none(), "{what}: {:#?}", found.violation);
        assert!(found.states > 10_000, "{what}: only {} states", found.states);
    }
}

#[test]
fn each_weakened_protocol_loses_a_pack() {
    for (what, rules) in WEAKENED {
        let found = explore(&rules);
        let way = found.violation.unwrap_or_else(|| panic!("{what}: no violation in {} states", found.states));
        println!("{what}: lost after {} moves ({} states): {way:?}", way.len(), found.states);
    }
}
