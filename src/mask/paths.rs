//! Paths into JSON and XML, each with a mask: which one a place of a document has.

use super::nested::{self, Nested};
use super::prelude::*;

/// A step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// A member or an element of this name; `@name` is an attribute.
    Name(String),
    /// The element of an array at this place.
    Index(usize),
    /// Any member or element.
    Any,
    /// Any number of steps, or none.
    Deep,
}

/// What a step goes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum To<'a> {
    /// A member of an object.
    Member(&'a str),
    /// An element of an array.
    Index(usize),
    /// An element or attribute of XML; a path without a prefix means all prefixes.
    Element(&'a str),
    /// The attribute of that name.
    Attribute(&'a str),
}

/// Paths and their masks.
pub(super) struct Paths {
    paths: Vec<(Vec<Step>, Box<dyn Mask>)>,
}

/// A place of a document: how far each path has come there, and which mask holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    reached: Vec<(usize, usize)>,
    /// The mask's number, and whether its path ends here and not farther up.
    mask: Option<(usize, bool)>,
}

/// The parameter that names paths.
pub(super) fn build(
    site: &Site,
    params: &Params,
    read: impl Fn(&str) -> std::result::Result<Steps, String>,
) -> Result<Paths> {
    let mut paths = Vec::new();
    for (path, mask) in params.table("paths") {
        let Steps(steps) = read(path).map_err(|why| {
            Error::policy(format!("the path '{}' {why}", path.escape_debug()))
                .hint("Write paths like $.contact.email, $.items[*].name, $..email in JSON; /order/email, //email, /order/@id in XML.")
        })?;
        let built =
            nested::build_value(site, mask).map_err(|error| error.within(format!("path {}", path.escape_debug())))?;
        paths.push((steps, built));
    }
    Ok(Paths { paths })
}

/// One path.
pub(super) struct Steps(Vec<Step>);

/// Reads `$.a.b`, `$.a[*]`, `$.a[0]`, `$['a b']`, `$..a`, `$.*`.
pub(super) fn read_json(path: &str) -> std::result::Result<Steps, String> {
    let mut rest = path.strip_prefix('$').ok_or("does not begin with $")?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'));
            if let Some(quote) = quote {
                let end = inner[1..].find([quote]).ok_or("has a quotation mark that is not closed")?;
                steps.push(Step::Name(inner[1..=end].to_owned()));
                rest = inner[end + 2..].strip_prefix(']').ok_or("has a bracket that is not closed")?;
            } else {
                let (index, behind) = inner.split_once(']').ok_or("has a bracket that is not closed")?;
                steps.push(match index {
                    "*" => Step::Any,
                    index => Step::Index(index.parse().map_err(|_| "has neither a number nor * in a bracket")?),
                });
                rest = behind;
            }
            continue;
        }
        let deep = rest.starts_with("..");
        rest = rest
            .strip_prefix("..")
            .or_else(|| rest.strip_prefix('.'))
            .ok_or("has neither . nor [ between its steps")?;
        if deep {
            steps.push(Step::Deep);
            if rest.starts_with('[') {
                continue;
            }
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        steps.push(match &rest[..end] {
            "" => return Err("has a step without a name".to_owned()),
            "*" => Step::Any,
            name => Step::Name(name.to_owned()),
        });
        rest = &rest[end..];
    }
    Ok(Steps(steps))
}

/// Reads `/a/b`, `//b`, `/a/*/b`, `/a/@b`, `//@b`.
pub(super) fn read_xml(path: &str) -> std::result::Result<Steps, String> {
    let mut rest = path;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let deep = rest.starts_with("//");
        rest = rest.strip_prefix("//").or_else(|| rest.strip_prefix('/')).ok_or("does not begin with /")?;
        if deep {
            steps.push(Step::Deep);
        }
        let end = rest.find('/').unwrap_or(rest.len());
        steps.push(match &rest[..end] {
            "" | "@" => return Err("has a step without a name".to_owned()),
            "*" => Step::Any,
            name => Step::Name(name.to_owned()),
        });
        rest = &rest[end..];
    }
    if steps.is_empty() { Err("is empty".to_owned()) } else { Ok(Steps(steps)) }
}

impl Paths {
    /// The document as a whole.
    pub(super) fn root(&self) -> Place {
        let mut place = Place { reached: (0..self.paths.len()).map(|path| (path, 0)).collect(), mask: None };
        self.settle(&mut place);
        place
    }

    /// The place that a step leads to.
    pub(super) fn step(&self, from: &Place, to: To<'_>) -> Place {
        let mut place = Place { reached: Vec::new(), mask: from.mask.map(|(mask, _)| (mask, false)) };
        for &(path, step) in &from.reached {
            let steps = &self.paths[path].0;
            match steps.get(step) {
                Some(Step::Deep) => {
                    place.reached.push((path, step));
                    if steps.get(step + 1).is_some_and(|next| next.leads(to)) {
                        place.reached.push((path, step + 2));
                    }
                }
                Some(next) if next.leads(to) => place.reached.push((path, step + 1)),
                _ => {}
            }
        }
        place.reached.sort_unstable();
        place.reached.dedup();
        self.settle(&mut place);
        place
    }

    /// Of the paths that end here, the one with the most steps decides.
    fn settle(&self, place: &mut Place) {
        let ended = place.reached.iter().filter(|(path, step)| *step == self.paths[*path].0.len());
        let best = ended.max_by_key(|(path, step)| (*step, *path)).map(|(path, _)| (*path, true));
        place.mask = best.or(place.mask);
    }

    /// The mask of a place, and whether its path ends just there.
    pub(super) fn mask(&self, place: &Place) -> Option<(&dyn Mask, bool)> {
        place.mask.map(|(path, exact)| (&*self.paths[path].1, exact))
    }
}

impl Step {
    fn leads(&self, to: To<'_>) -> bool {
        match (self, to) {
            (Self::Name(name), To::Member(member)) => name == member,
            (Self::Name(name), To::Element(element)) => is_named(name, element),
            (Self::Name(name), To::Attribute(attribute)) => {
                name.strip_prefix('@').is_some_and(|name| name == "*" || is_named(name, attribute))
            }
            (Self::Index(index), To::Index(at)) => *index == at,
            (Self::Any, to) => !matches!(to, To::Attribute(_)),
            (Self::Deep | Self::Name(_) | Self::Index(_), _) => false,
        }
    }
}

fn is_named(name: &str, full: &str) -> bool {
    name == full || !name.contains(':') && full.rsplit(':').next() == Some(name)
}

/// Whether a mask inside of the parameters shows characters of the original.
pub(super) fn reveals(params: &Params) -> bool {
    let shown = |value: &Value| Nested::parse(value).is_ok_and(|mask| (mask.definition.reveals)(&mask.params));
    params.text("default") == Some("keep") || params.table("paths").any(|(_, value)| shown(value))
}

/// What becomes of what no path names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlisted {
    Mask,
    Scrub,
    Drop,
    Keep,
}

impl Unlisted {
    /// Reads the parameter `default`.
    ///
    /// # Errors
    /// Kind `Policy` where it is to be kept and no reason is given.
    pub(super) fn read(mask: &str, params: &Params) -> Result<Self> {
        match params.text("default") {
            Some("scrub") => Ok(Self::Scrub),
            Some("drop") => Ok(Self::Drop),
            Some("keep") if params.text("reason").is_some_and(|reason| !reason.trim().is_empty()) => Ok(Self::Keep),
            Some("keep") => Err(Error::policy(format!("mask {mask} with default = \"keep\" needs a reason")).hint(
                "Add reason = \"...\" for the reviewer, or leave default out to have masked what no path names.",
            )),
            _ => Ok(Self::Mask),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(paths: &[&str], steps: &[To<'_>]) -> Option<(usize, bool)> {
        let read = |path: &&str| {
            if path.starts_with('$') { read_json(path) } else { read_xml(path) }
        };
        let noop = || find_mask();
        let paths = Paths { paths: paths.iter().map(|path| (read(path).ok().unwrap().0, noop())).collect() };
        steps.iter().fold(paths.root(), |place, step| paths.step(&place, *step)).mask
    }

    fn find_mask() -> Box<dyn Mask> {
        (super::super::KEEP.build)(&Site::for_tests("paths"), &Params::default()).unwrap()
    }

    #[test]
    fn paths_lead_where_they_say() {
        use To::{Attribute, Element, Index, Member};
        let (contact, email, items, name) = (Member("contact"), Member("email"), Member("items"), Member("name"));
        assert_eq!(reached(&["$.contact.email"], &[contact, email]), Some((0, true)));
        assert_eq!(reached(&["$.contact.email"], &[email]), None);
        assert_eq!(reached(&["$.contact"], &[contact, email]), Some((0, false)));
        assert_eq!(reached(&["$.contact", "$.contact.email"], &[contact, email]), Some((1, true)));
        assert_eq!(reached(&["$..email"], &[email]), Some((0, true)));
        assert_eq!(reached(&["$..email"], &[items, Index(3), contact, email]), Some((0, true)));
        assert_eq!(reached(&["$..email.name"], &[email, email, name]), Some((0, true)));
        assert_eq!(reached(&["$.items[*].name"], &[items, Index(7), name]), Some((0, true)));
        assert_eq!(reached(&["$.items[1]['name']"], &[items, Index(1), name]), Some((0, true)));
        assert_eq!(reached(&["$.items[1].name"], &[items, Index(2), name]), None);
        assert_eq!(reached(&["$.*.name"], &[contact, name]), Some((0, true)));
        assert_eq!(reached(&["$"], &[]), Some((0, true)));
        assert_eq!(reached(&["$..*"], &[contact, Index(0)]), Some((0, true)));
        assert_eq!(reached(&["/a/b"], &[Element("a"), Element("x:b")]), Some((0, true)));
        assert_eq!(reached(&["/a/y:b"], &[Element("a"), Element("x:b")]), None);
        assert_eq!(reached(&["//email"], &[Element("a"), Element("b"), Element("email")]), Some((0, true)));
        assert_eq!(reached(&["/a/@id"], &[Element("a"), Attribute("id")]), Some((0, true)));
        assert_eq!(reached(&["//@id"], &[Element("a"), Element("b"), Attribute("id")]), Some((0, true)));
        assert_eq!(reached(&["//id"], &[Element("a"), Attribute("id")]), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in ["", "email", ".a", "$a", "$.", "$.a.", "$[", "$['a", "$['a'", "$[x]", "$.a[1", "$..", "$..."] {
            assert!(read_json(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "a/b", "/", "//", "/a//", "/a/@"] {
            assert!(read_xml(wrong).is_err(), "{wrong}");
        }
    }
}
