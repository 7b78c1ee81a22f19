//! Tells the schema of a clone from that of its template, by the rows of the system catalogue.
//!
//! Every change of a catalogue's row gives it another `xmin`; a clone has those of its template. Tables alone are told by what
//! their row says: TRUNCATE and REFRESH change the rest of it. Temporary objects of others are left out.

use super::super::catalog::cell;
use super::super::session::Session;
use crate::error::Result;

/// What is looked at: the rows of a catalogue, what a row is about, and what of it counts.
struct Part {
    rows: &'static str,
    /// Class, object and column for `pg_describe_object`.
    about: &'static str,
    counts: &'static str,
}

const PARTS: [Part; 13] = [
    Part {
        rows: "pg_class c WHERE c.oid >= 16384 AND c.relnamespace = ANY ({schemas})",
        about: "'pg_class'::regclass, c.oid, 0",
        counts: "c.oid, c.relname, c.relnamespace, c.relowner, c.relkind, c.relpersistence, c.relnatts, c.relchecks, \
            c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relispopulated, c.relreplident, c.relacl, c.reloptions",
    },
    Part {
        rows: "pg_attribute c WHERE c.attrelid = ANY ({relations}) AND c.attnum > 0",
        about: "'pg_class'::regclass, c.attrelid, c.attnum",
        counts: "c.xmin, c.attrelid, c.attnum",
    },
    Part {
        rows: "pg_constraint c WHERE c.oid >= 16384 AND c.connamespace = ANY ({schemas})",
        about: "'pg_constraint'::regclass, c.oid, 0",
        counts: "c.xmin, c.oid",
    },
    Part {
        rows: "pg_trigger c WHERE c.oid >= 16384 AND c.tgrelid = ANY ({relations})",
        about: "'pg_trigger'::regclass, c.oid, 0",
        counts: "c.xmin, c.oid",
    },
    Part {
        rows: "pg_type c WHERE c.oid >= 16384 AND c.typnamespace = ANY ({schemas})",
        about: "'pg_type'::regclass, c.oid, 0",
        counts: "c.xmin, c.oid",
    },
    Part {
        rows: "pg_enum c WHERE c.oid >= 16384",
        about: "'pg_type'::regclass, c.enumtypid, 0",
        counts: "c.xmin, c.oid",
    },
    Part {
        rows: "pg_proc c WHERE c.oid >= 16384 AND c.pronamespace = ANY ({schemas})",
        about: "'pg_proc'::regclass, c.oid, 0",
        counts: "c.xmin, c.oid",
    },
    Part {
        rows: "pg_rewrite c WHERE c.oid >= 16384 AND c.ev_class = ANY ({relations})",
        about: "'pg_class'::regclass, c.ev_class, 0",
        counts: "c.xmin, c.oid",
    },
    Part { rows: "pg_policy c", about: "'pg_policy'::regclass, c.oid, 0", counts: "c.xmin, c.oid" },
    Part {
        rows: "pg_sequence c WHERE c.seqrelid = ANY ({relations})",
        about: "'pg_class'::regclass, c.seqrelid, 0",
        counts: "c.seqrelid, c.seqtypid, c.seqstart, c.seqincrement, c.seqmax, c.seqmin, c.seqcache, c.seqcycle",
    },
    Part {
        rows: "pg_inherits c WHERE c.inhrelid = ANY ({relations})",
        about: "'pg_class'::regclass, c.inhrelid, 0",
        counts: "c.xmin, c.inhrelid",
    },
    Part {
        rows: "pg_namespace c WHERE (c.oid >= 16384 OR c.nspname = 'public') AND c.nspname !~ '^pg_'",
        about: "'pg_namespace'::regclass, c.oid, 0",
        counts: "c.xmin, c.oid",
    },
    Part {
        rows: "pg_description c WHERE c.objoid >= 16384",
        about: "c.classoid, c.objoid, c.objsubid",
        counts: "c.xmin, c.objoid, c.objsubid",
    },
];

/// The schemas and relations that are there, as literals of arrays.
pub(super) struct Scope {
    schemas: String,
    relations: String,
}

impl Scope {
    pub(super) fn read(session: &mut Session) -> Result<Self> {
        let found = session.rows(
            "WITH n AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema') \
             SELECT (SELECT pg_catalog.array_agg(oid ORDER BY oid)::text FROM n), (SELECT pg_catalog.array_agg(c.oid ORDER BY c.oid)::text \
             FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'f', 'S') \
             AND c.relnamespace IN (SELECT oid FROM n))",
        )?;
        let row = found.into_iter().next().unwrap_or_default();
        let array =
            |at| format!("'{}'::pg_catalog.oid[]", if cell(&row, at).is_empty() { "{}" } else { cell(&row, at) });
        Ok(Self { schemas: array(0), relations: array(1) })
    }

    fn fill(&self, text: &str) -> String {
        let rows = text.replace("{schemas}", &self.schemas).replace("{relations}", &self.relations);
        format!("pg_catalog.{rows}")
    }

    /// A query of one text that is the same for the same schema.
    pub(super) fn digest(&self) -> String {
        let parts: Vec<String> = PARTS
            .iter()
            .map(|part| {
                format!(
                    "SELECT pg_catalog.hash_record_extended(ROW({}), 0) AS hash FROM {}",
                    part.counts,
                    self.fill(part.rows)
                )
            })
            .collect();
        format!("SELECT count(*) || ':' || pg_catalog.bit_xor(x.hash) FROM ({}) x", parts.join(" UNION ALL "))
    }

    /// A query of names and hashes.
    fn listed(&self) -> String {
        let parts: Vec<String> = PARTS.iter().map(|part| {
            format!(
                "SELECT pg_catalog.pg_describe_object({}) AS name, pg_catalog.hash_record_extended(ROW({}), 0) AS hash FROM {}",
                part.about.replace("'pg_", "'pg_catalog.pg_"), part.counts, self.fill(part.rows)
            )
        }).collect();
        parts.join(" UNION ALL ")
    }
}

/// In a template, as its last change: remembers what there is.
pub(super) fn remember(session: &mut Session) -> Result<()> {
    session.run("SET LOCAL search_path = public, pg_temp")?;
    let scope = Scope::read(session)?;
    session.run(&format!("INSERT INTO terp_fixtures.shape {}", scope.listed())).map(drop)
}

/// A query of the digest that [`Scope::digest`] gives of an unchanged clone.
pub(super) const REMEMBERED: &str = "SELECT count(*) || ':' || pg_catalog.bit_xor(hash) FROM terp_fixtures.shape";

/// What was changed since, by name: at most three.
pub(super) fn changed(session: &mut Session) -> Result<String> {
    let scope = Scope::read(session)?;
    let names = session.rows(&format!(
        "WITH there AS ({}), all_of AS (SELECT name, hash FROM there UNION ALL SELECT name, hash FROM terp_fixtures.shape) \
         SELECT DISTINCT coalesce(name, 'something that was dropped') FROM all_of \
         GROUP BY name, hash HAVING count(*) % 2 = 1 ORDER BY 1 LIMIT 4",
        scope.listed()
    ))?;
    let mut names: Vec<String> =
        names.into_iter().flatten().flatten().map(|name| name.escape_debug().to_string()).collect();
    if names.len() > 3 {
        names[3] = "and more".to_owned();
    }
    Ok(names.join(", "))
}
