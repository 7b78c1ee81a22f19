-- Everything of a template becomes its own role's, but for what belongs to an extension. Whoever is a member of that role may then do in
-- a clone what an owner may, and nothing elsewhere.
DO $do$
DECLARE
    role text := current_setting('terp_fixtures.owner'); statement text;
BEGIN
    FOR statement IN
        SELECT s.text FROM (
        SELECT 1 AS round, n.oid, 'pg_namespace'::regclass AS class, format('ALTER SCHEMA %I OWNER TO %I', n.nspname, role) AS text
        FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
        UNION ALL
        SELECT 2, n.oid, 'pg_namespace'::regclass, format('GRANT ALL ON SCHEMA public TO %I', role)
        FROM pg_namespace n WHERE n.nspname = 'public' AND pg_has_role(n.nspowner, 'USAGE')
        UNION ALL
        SELECT 3, t.oid, 'pg_type'::regclass,
               format('ALTER %s %s OWNER TO %I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype, role)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('e', 'd', 'r') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        UNION ALL
        SELECT 4, c.oid, 'pg_class'::regclass, format('ALTER %s %s OWNER TO %I', CASE c.relkind WHEN 'c' THEN 'TYPE'
               WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
               ELSE 'TABLE' END, c.oid::regclass, role)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c', 'S') AND c.relpersistence <> 't'
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')))
        UNION ALL
        SELECT 5, p.oid, 'pg_proc'::regclass, format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, role)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
        ) s WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = s.class AND x.objid = s.oid AND x.deptype = 'e')
        ORDER BY s.round, s.oid
    LOOP
        EXECUTE statement;
    END LOOP;
END $do$;
