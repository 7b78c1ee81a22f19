//! What a command knows of a target beside the target itself: where it is, what the user and the machine say of it, and what
//! the user has agreed to. The guards judge by it, and ask what is missing.

use super::declaration::Declaration;
use crate::engine::Whereabouts;
use crate::error::Error;
use std::collections::BTreeSet;

/// What is known of a target beside what it says itself, and what the user has agreed to.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Where the target is.
    pub whereabouts: Whereabouts,
    /// Its address without secrets, for messages.
    pub address: String,
    /// What the user says that the target is.
    pub said: Option<Said>,
    /// What variables of the application say of this machine. It names the environment in the log and decides nothing.
    pub machine: Option<Said>,
    /// The variable that says that this is production, if any does.
    pub production_variable: Option<&'static str>,
    /// Whether `ALLOW_PRODUCTION_SEEDING` is set to `true`.
    pub allows_production: bool,
    /// The name that the user gave to confirm which database it is.
    pub name: Option<String>,
    /// What the user has said yes to.
    pub agreed: BTreeSet<Topic>,
}

impl Surroundings {
    /// A target on this machine, and a user who says yes to everything.
    #[must_use]
    pub fn on_this_machine() -> Self {
        Self { whereabouts: Whereabouts::Here, agreed: Topic::ALL.into_iter().collect(), ..Self::default() }
    }

    /// Which environment a target is of, and what says so: it itself, the user, or this machine.
    #[must_use]
    pub fn environment(&self, declaration: Option<&Declaration>) -> Said {
        let declared = declaration.map(|declared| Said { environment: declared.environment.clone(), by: DECLARED });
        let known = declared.or_else(|| self.said.clone()).or_else(|| self.machine.clone());
        known.unwrap_or_else(|| Said { environment: "unknown".to_owned(), by: "nothing" })
    }

    /// Whether everything but the name is there that production takes.
    pub(super) fn is_production_meant(&self) -> bool {
        self.missing_for_production().is_empty()
    }

    /// What of that is missing.
    pub(super) fn missing_for_production(&self) -> Vec<&'static str> {
        let is_argument = self.said.as_ref().is_some_and(|said| said.by == ARGUMENT && said.environment == PRODUCTION);
        let wanted = [("ALLOW_PRODUCTION_SEEDING=true", self.allows_production), ("--env production", is_argument)];
        wanted.into_iter().filter(|(_, there)| !there).map(|(what, _)| what).collect()
    }

    /// Whether the user says that the target is production.
    #[must_use]
    pub fn says_production(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.environment == PRODUCTION)
    }

    /// Whether the third guard refuses whatever the target says, so that no database should be made for it.
    #[must_use]
    pub fn refuses_anyway(&self) -> bool {
        self.production_variable.is_some() && !self.is_production_meant()
    }
}

/// An environment, and what says that it is that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `dev`, `staging` or `production`.
    pub environment: String,
    /// An option, a variable, a line of the configuration, or the target's declaration.
    pub by: &'static str,
}

/// The option that says what a target is.
pub const ARGUMENT: &str = "--env";
const DECLARED: &str = "declaration";
pub(super) const PRODUCTION: &str = "production";

/// What a user can be asked to say yes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// A target without a declaration holds rows of others.
    OthersRows,
    /// A target holds far more rows than the snapshot.
    ManyRows,
    /// A target gets a declaration.
    Declare,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 3] = [Self::OthersRows, Self::ManyRows, Self::Declare];
}

/// What a guard asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Yes or no.
    Yes {
        /// What about.
        topic: Topic,
        /// What will happen, as a full sentence.
        text: String,
    },
    /// The database's name, so that nobody confirms another one in passing.
    Name {
        /// The name.
        database: String,
        /// What will happen, as a full sentence.
        text: String,
    },
}

impl Question {
    /// The refusal of a question that nobody has answered.
    #[must_use]
    pub fn unanswered(self) -> Error {
        match self {
            Self::Yes { text, .. } => Error::guard(format!("{text} This needs a confirmation"))
                .hint("Add --yes to go on without being asked, or --dry-run to look first."),
            Self::Name { database, text } => {
                Error::guard(format!("{text} This needs the database's name; --yes is not enough"))
                    .hint(format!("Type it where you are asked, or add --confirm '{}'.", database.escape_debug()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(environment: &str, by: &'static str) -> Said {
        Said { environment: environment.into(), by }
    }

    #[test]
    fn the_environment_is_what_is_surest() {
        let declared = Declaration {
            environment: "production".into(),
            allowed: Vec::new(),
            owner: String::new(),
            at: String::new(),
            by: String::new(),
        };
        let said = Surroundings { machine: Some(says("dev", "NODE_ENV")), ..Surroundings::default() };
        assert_eq!(Surroundings::default().environment(None).environment, "unknown");
        assert_eq!(Some(said.environment(None)), said.machine);
        let said = Surroundings { said: Some(says("staging", "TERP_FIXTURES_ENV")), ..said };
        assert_eq!(Some(said.environment(None)), said.said);
        let found = said.environment(Some(&declared));
        assert_eq!((found.environment.as_str(), found.by), ("production", DECLARED));
    }
}
