//! Tables of conditions, and what they must come to.

use super::*;
use crate::generate::restriction::{Op, Relation};
use crate::model::schema::{Catalogue, Column, EngineKind, Family, SchemaObject, TableKind, TableName};
use std::collections::BTreeMap;

/// A column `name type` of a test table; a `?` behind the type allows NULL.
pub(super) fn column(engine: EngineKind, text: &str) -> Column {
    use crate::model::declared::{mysql_family, postgres_family, sqlite_family};
    let (name, declared) = text.split_once(' ').unwrap_or((text, ""));
    let nullable = declared.ends_with('?');
    let declared = declared.trim_end_matches('?');
    let base = declared.split('(').next().unwrap_or_default();
    let family = match engine {
        EngineKind::Sqlite => sqlite_family(declared),
        EngineKind::Postgres => {
            let base = match base {
                "integer" => "int4",
                "bigint" => "int8",
                "boolean" => "bool",
                "character varying" => "varchar",
                "character" => "bpchar",
                "double precision" => "float8",
                "timestamp without time zone" => "timestamp",
                other => other,
            };
            postgres_family(base, "b")
        }
        EngineKind::Mysql | EngineKind::Mariadb => mysql_family(base.split(' ').next().unwrap_or_default()),
    };
    let length = declared.split_once('(').and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
    Column {
        name: name.to_owned(),
        declared: declared.to_owned(),
        family,
        length: length.filter(|_| family == Family::Text),
        nullable,
        default: None,
        generated: false,
        collation: None,
        comment: None,
    }
}

/// A catalogue of one table with these columns and checks.
pub(super) fn catalogue(engine: EngineKind, columns: &[&str], checks: &[&str]) -> Catalogue {
    let columns: Vec<Column> = columns.iter().map(|text| column(engine, text)).collect();
    let quote = if matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) { '`' } else { '"' };
    let lines = columns.iter().map(|column| format!("{quote}{}{quote} {}", column.name, column.declared));
    let named = checks.iter().enumerate().map(|(at, check)| format!("CONSTRAINT c{at} CHECK ({check})"));
    let create = format!("CREATE TABLE t (\n{}\n)", lines.chain(named).collect::<Vec<_>>().join(",\n"));
    let table = Table {
        name: TableName::plain("t"),
        kind: TableKind::Ordinary,
        columns,
        primary_key: Vec::new(),
        uniques: Vec::new(),
        foreign_keys: Vec::new(),
        checks: checks.iter().map(|check| format!("CHECK ({check})")).collect(),
        create,
        counter: false,
        strict: false,
    };
    let collation = match engine {
        EngineKind::Mysql => "utf8mb4_0900_ai_ci",
        EngineKind::Mariadb => "utf8mb4_general_ci",
        _ => "",
    };
    Catalogue {
        engine,
        version: String::new(),
        settings: BTreeMap::from([("collation".to_owned(), collation.to_owned())]),
        tables: vec![table],
        pre: Vec::new(),
        post: Vec::new(),
        own: crate::model::schema::Traces::default(),
    }
}

fn checks(engine: EngineKind, columns: &[&str], texts: &[&str]) -> (Catalogue, Vec<Check>) {
    let catalogue = catalogue(engine, columns, texts);
    let checks = of_table(&catalogue, &catalogue.tables[0]);
    (catalogue, checks)
}

fn ways(engine: EngineKind, columns: &[&str], texts: &[&str]) -> Vec<Alternative> {
    let (catalogue, checks) = checks(engine, columns, texts);
    for check in &checks {
        assert!(check.predicate.is_ok(), "{}: {:?}", check.text, check.predicate);
    }
    solve(&catalogue.tables[0], &checks, 64)
}

#[test]
fn a_check_has_its_name_its_columns_and_its_condition() {
    let (_, found) = checks(EngineKind::Postgres, &["a integer", "b integer?"], &["(a > 0)", "my_own(b)", "(a < b)"]);
    let names: Vec<&str> = found.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["c0", "c1", "c2"]);
    assert_eq!(found[2].columns, [0, 1]);
    assert_eq!(found[1].predicate.as_ref().unwrap_err(), "function my_own is not known here");
    assert_eq!(found[1].columns, [1]);
    let cells = |a: i64, b: Option<i64>| vec![Some(Value::whole(a)), Some(b.map_or(Value::Null, Value::whole))];
    let holds = |at: usize, cells: &[Option<Value>]| found[at].predicate.as_ref().unwrap().holds(cells);
    assert_eq!(holds(0, &cells(1, None)), Truth::True);
    assert_eq!(holds(0, &cells(0, None)), Truth::False);
    assert_eq!(holds(2, &cells(0, None)), Truth::Unknown);
    assert_eq!(holds(2, &[None, None]), Truth::Cannot);
}

#[test]
fn domains_bring_their_checks_along() {
    let mut catalogue = catalogue(EngineKind::Postgres, &["z text?", "n integer"], &[]);
    catalogue.tables[0].columns[0].declared = "us_zip".to_owned();
    let object = |name: &str, create: &str| SchemaObject {
        kind: "domain".to_owned(),
        name: name.to_owned(),
        table: None,
        create: create.to_owned(),
    };
    catalogue.pre = vec![
        object(
            "zip",
            "CREATE DOMAIN zip AS text DEFAULT 'x'::text NOT NULL CONSTRAINT zip_check CHECK ((length(VALUE) > 3))",
        ),
        object("us_zip", "CREATE DOMAIN us_zip AS zip CONSTRAINT five CHECK ((VALUE ~ '^[0-9]{5}$'::text))"),
    ];
    let found = of_table(&catalogue, &catalogue.tables[0]);
    let names: Vec<&str> = found.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["five of domain us_zip in z", "NOT NULL of domain zip in z", "zip_check of domain zip in z"]);
    let ways = solve(&catalogue.tables[0], &found, 64);
    let own = &ways[0].restrictions[&0];
    assert_eq!((ways.len(), own.null, own.length.0), (1, Some(false), Some(4)));
    assert_eq!(own.matches, ["^[0-9]{5}$"]);
}

#[test]
fn ways_are_few_and_simple() {
    let columns =
        ["status character varying(20)", "y integer?", "a numeric(10,2)", "b numeric(10,2)", "c numeric(10,2)"];
    let found = ways(
        EngineKind::Postgres,
        &columns,
        &[
            "((status)::text = ANY (ARRAY[('new'::character varying)::text, ('paid'::character varying)::text]))",
            "(((status)::text <> 'paid'::text) OR (y IS NOT NULL))",
            "(a > (0)::numeric)",
            "((b <= a) AND (c = (a - b)))",
            "((y IS NULL) OR (y >= 18))",
        ],
    );
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].restrictions[&0].one_of, Some(vec![Value::text("new")]));
    assert_eq!(found[1].restrictions[&1].null, Some(false));
    let y = &found[1].restrictions[&1];
    assert_eq!(y.low.as_ref().map(|bound| &bound.value), Some(&Value::whole(18)));
    let a = found[0].restrictions[&2].low.clone().unwrap();
    assert_eq!((a.value.number().unwrap().to_string(), a.inclusive), ("0.01".to_owned(), true));
    assert_eq!(found[0].relations, [Relation { left: 3, op: Op::AtMost, right: 2 }]);
    let derived = &found[0].derived[0];
    assert_eq!((derived.column, derived.op, derived.expression.columns()), (4, Op::Equal, vec![2, 3]));
    let cells = [None, None, Some(Value::whole(7)), Some(Value::whole(3)), None];
    assert_eq!(derived.expression.value(&cells), Some(Value::whole(4)));
}

#[test]
fn contradictions_are_named() {
    let texts = ["(a > 5)", "(b > 0)", "(a < 5)"];
    let (catalogue, found) = checks(EngineKind::Postgres, &["a integer", "b integer"], &texts);
    assert!(solve(&catalogue.tables[0], &found, 64).is_empty());
    assert_eq!(contradicting(&catalogue.tables[0], &found), ["c0", "c2"]);
    // A column that may be NULL is.
    let (catalogue, found) = checks(EngineKind::Postgres, &["a integer?", "b integer"], &texts);
    assert_eq!(solve(&catalogue.tables[0], &found, 64)[0].restrictions[&0].null, Some(true));
    assert!(contradicting(&catalogue.tables[0], &found).is_empty());
}

#[test]
fn many_branches_cost_no_more_than_few() {
    let columns: Vec<String> = (0..10).map(|at| format!("a{at} integer?")).collect();
    let texts: Vec<String> = (0..30)
        .map(|at| format!("((a{} > {at}) OR (a{} IS NULL) OR (a{} < -{at}))", at % 10, (at + 1) % 10, (at + 3) % 10))
        .collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (catalogue, found) = checks(EngineKind::Postgres, &columns, &texts);
    let ways = solve(&catalogue.tables[0], &found, 64);
    assert!(ways.len() > 8 && ways.len() <= 64, "{} ways", ways.len());
    // A row of the lowest, highest or no values satisfies its way.
    for way in &ways {
        let cell = |at: usize| {
            let own = way.restrictions.get(&at);
            let bound = own.and_then(|own| own.low.as_ref().or(own.high.as_ref()));
            match own {
                Some(own) if own.null == Some(true) => Value::Null,
                _ => bound.map_or(Value::whole(0), |bound| bound.value.clone()),
            }
        };
        let row: Vec<Option<Value>> = (0..10).map(|at| Some(cell(at))).collect();
        assert!(found.iter().all(|check| check.predicate.as_ref().unwrap().holds(&row).passes()));
    }
}
