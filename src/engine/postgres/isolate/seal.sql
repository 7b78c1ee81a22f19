-- What a sealed template has beside the snapshot: the row journal, and what it takes to put a clone back without looking at the
-- catalogue. Whoever uses a clone may not look into this schema; the functions write into it for them.
CREATE SCHEMA terp_fixtures;
COMMENT ON SCHEMA terp_fixtures IS 'terp-fixtures isolation 1';
REVOKE ALL ON SCHEMA terp_fixtures FROM PUBLIC;

-- Which rows came (1), which went (-1), as the text of the whole row in the form of the root table. What is the sum of a row over
-- all that was done to it does not depend on any order. A 0 says that rows were not recorded: the whole table is dirty.
-- No key and no index: nobody ever waits for somebody else here.
CREATE UNLOGGED TABLE terp_fixtures.journal (root oid NOT NULL, change smallint NOT NULL, image text);

-- A crash of the server empties unlogged tables. A clone without its canary has lost its row journal.
CREATE UNLOGGED TABLE terp_fixtures.canary (alive boolean NOT NULL);

-- Every table that holds rows, partitions under their root. Rows are found by the narrowest key whose columns are never null.
-- Triggers and rules of the application are told, because they must not act when rows are put back.
CREATE TABLE terp_fixtures.tables AS
SELECT c.oid AS root, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS spelled,
       CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END AS reach, d.columns, d.cells, k.keys, k.matching,
       coalesce(k.width, 0) AS width, k.sets, f.fires, f.fires_always,
       EXISTS (SELECT FROM pg_constraint o WHERE o.contype = 'f' AND o.confrelid = c.oid) AS referenced,
       d.columns IS NULL OR EXISTS (SELECT FROM pg_inherits i WHERE c.relkind = 'r' AND c.oid IN (i.inhrelid, i.inhparent)) AS marked,
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) AS inherited,
       NULL::text AS image, NULL::text AS digest
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
           string_agg('(r.v).' || quote_ident(a.attname), ', ' ORDER BY a.attnum) AS cells FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') d
LEFT JOIN LATERAL (
    SELECT string_agg(format('(r.v).%I AS k%s', a.attname, p.at), ', ' ORDER BY p.at) AS keys,
           string_agg(format('t.%I = x.k%s', a.attname, p.at), ' AND ' ORDER BY p.at) AS matching, count(*) AS width,
           (SELECT string_agg(format('%I = (x.v).%1$I', o.attname), ', ' ORDER BY o.attnum) FROM pg_attribute o
            WHERE o.attrelid = c.oid AND o.attnum > 0 AND NOT o.attisdropped AND o.attgenerated = ''
            AND o.attnum <> ALL (i.indkey::int2[])) AS sets
    FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY p(number, at)
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND p.at <= i.indnkeyatts
    GROUP BY i.indexrelid, i.indisprimary, i.indnkeyatts, i.indkey HAVING bool_and(a.attnotnull AND a.attgenerated = '')
    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) k ON true
CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(true), false) AS fires, coalesce(bool_or(g.enabled IN ('A', 'R')), false) AS fires_always
    FROM (SELECT t.tgenabled AS enabled, t.tgrelid AS id FROM pg_trigger t WHERE NOT t.tgisinternal
          UNION ALL SELECT w.ev_enabled, w.ev_class FROM pg_rewrite w) g
    WHERE g.enabled <> 'D' AND (g.id = c.oid OR g.id IN (SELECT relid FROM pg_partition_tree(c.oid)))) f
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'terp_fixtures')
AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e');

-- Every relation that a statement can name to change rows of those. Generated columns are left out of a row's text: nobody can
-- write them. A partition may have the columns of its root in another order.
CREATE TABLE terp_fixtures.members AS
WITH shape AS (
    SELECT a.attrelid AS id, array_agg(a.attnum || ' ' || a.attname ORDER BY a.attnum) AS columns,
           bool_or(a.attisdropped OR a.attgenerated <> '') AS odd,
           'ROW(' || string_agg(CASE a.attgenerated WHEN '' THEN 'terp_fixtures_row.' || quote_ident(a.attname) ELSE 'NULL' END,
               ', ' ORDER BY a.attnum) FILTER (WHERE NOT a.attisdropped) || ')' AS image
    FROM pg_attribute a WHERE a.attnum > 0 GROUP BY a.attrelid)
SELECT m.oid AS id, format('%I.%I', n.nspname, m.relname) AS spelled, m.relkind = 'p' AS parted, t.root, t.marked,
       CASE WHEN m.odd OR r.odd OR m.columns <> r.columns THEN r.image ELSE 'terp_fixtures_row' END AS image
FROM (SELECT c.oid, c.relname, c.relnamespace, c.relkind, s.odd, s.columns,
      CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS root
      FROM pg_class c LEFT JOIN shape s ON s.id = c.oid WHERE c.relkind IN ('r', 'p')) m
JOIN pg_namespace n ON n.oid = m.relnamespace JOIN terp_fixtures.tables t ON t.root = m.root LEFT JOIN shape r ON r.id = t.root;
UPDATE terp_fixtures.tables t SET image = m.image FROM terp_fixtures.members m WHERE m.id = t.root;

-- The settings decide how a row is written as text. Only this account itself can keep the journal quiet.
CREATE FUNCTION terp_fixtures.make(called text, work text) RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
    EXECUTE format('CREATE FUNCTION terp_fixtures.%I() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp SET "TimeZone" = ''UTC'' SET "DateStyle" = ''ISO, MDY'' SET "IntervalStyle" = ''postgres''
        SET extra_float_digits = 3 SET bytea_output = ''hex'' SET lc_monetary = ''C'' AS %L', called, format('
        #variable_conflict use_variable
        DECLARE terp_fixtures_root oid := TG_ARGV[0];
        BEGIN
            IF current_user = session_user AND current_setting(''terp_fixtures.quiet'', true) = ''on'' THEN RETURN NULL; END IF;
            %s;
            RETURN NULL;
        END', work));
END $make$;
CREATE FUNCTION terp_fixtures.make_recorders(suffix text, image text) RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
    came text := format('SELECT terp_fixtures_root, 1, textin(record_out(%s)) FROM new_rows terp_fixtures_row', image);
    went text := format('SELECT terp_fixtures_root, -1, textin(record_out(%s)) FROM old_rows terp_fixtures_row', image);
BEGIN
    PERFORM terp_fixtures.make('inserted' || suffix, 'INSERT INTO terp_fixtures.journal ' || came);
    PERFORM terp_fixtures.make('updated' || suffix, 'INSERT INTO terp_fixtures.journal ' || went || ' UNION ALL ' || came);
    PERFORM terp_fixtures.make('deleted' || suffix, 'INSERT INTO terp_fixtures.journal ' || went);
END $make$;
SELECT terp_fixtures.make_recorders('', 'terp_fixtures_row');
SELECT terp_fixtures.make('marked', 'INSERT INTO terp_fixtures.journal VALUES (terp_fixtures_root, 0, NULL)');
-- Above that size it is cheaper to load the table again.
SELECT terp_fixtures.make('truncated', 'IF pg_table_size(TG_RELID) > 16777216 OR row_security_active(TG_RELID) THEN
        INSERT INTO terp_fixtures.journal VALUES (terp_fixtures_root, 0, NULL);
    ELSE
        EXECUTE format(''INSERT INTO terp_fixtures.journal SELECT $1, -1, textin(record_out(%s)) FROM ONLY %s terp_fixtures_row'',
            TG_ARGV[1], TG_RELID::regclass) USING terp_fixtures_root;
    END IF');

-- Statement triggers with all rows of the statement at once, which fire in replicas, too. A statement fires only those of the
-- table that it names.
DO $do$
DECLARE
    m record; suffix text; put text := 'EXECUTE FUNCTION terp_fixtures.'; event text;
BEGIN
    FOR m IN SELECT * FROM terp_fixtures.members LOOP
        IF m.marked THEN
            EXECUTE format('CREATE TRIGGER terp_fixtures_mark AFTER INSERT OR UPDATE OR DELETE ON %s %smarked(%L);
                ALTER TABLE ONLY %1$s ENABLE ALWAYS TRIGGER terp_fixtures_mark', m.spelled, put, m.root);
        ELSE
            suffix := CASE WHEN m.image = 'terp_fixtures_row' THEN '' ELSE '_' || m.id END;
            IF suffix <> '' THEN PERFORM terp_fixtures.make_recorders(suffix, m.image); END IF;
            EXECUTE format('CREATE TRIGGER terp_fixtures_insert AFTER INSERT ON %1$s REFERENCING NEW TABLE AS new_rows %2$s%3$I(%4$L);
                CREATE TRIGGER terp_fixtures_delete AFTER DELETE ON %1$s REFERENCING OLD TABLE AS old_rows %2$s%5$I(%4$L);
                CREATE TRIGGER terp_fixtures_update AFTER UPDATE ON %1$s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                    %2$s%6$I(%4$L);
                ALTER TABLE ONLY %1$s ENABLE ALWAYS TRIGGER terp_fixtures_insert, ENABLE ALWAYS TRIGGER terp_fixtures_delete,
                    ENABLE ALWAYS TRIGGER terp_fixtures_update',
                m.spelled, put, 'inserted' || suffix, m.root, 'deleted' || suffix, 'updated' || suffix);
        END IF;
        -- A partitioned table has no rows of its own, and its partitions fire, too.
        IF NOT m.parted THEN
            EXECUTE format('CREATE TRIGGER terp_fixtures_truncate BEFORE TRUNCATE ON %1$s %2$s%3$I(%4$L, %5$L);
                ALTER TABLE ONLY %1$s ENABLE ALWAYS TRIGGER terp_fixtures_truncate',
                m.spelled, put, CASE WHEN m.marked THEN 'marked' ELSE 'truncated' END, m.root, m.image);
        END IF;
    END LOOP;
END $do$;
DROP FUNCTION terp_fixtures.make_recorders(text, text);
DROP FUNCTION terp_fixtures.make(text, text);

-- The rows of tables that inherit cannot be told by a trigger of one of them; they are kept whole. Such tables are rare.
CREATE TABLE terp_fixtures.sequences AS
SELECT c.oid AS id, format('%I.%I', n.nspname, c.relname) AS spelled, NULL::bigint AS last_value, NULL::boolean AS is_called
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'terp_fixtures');
CREATE TABLE terp_fixtures.views AS
SELECT c.oid AS id, format('%I.%I', n.nspname, c.relname) AS spelled, NULL::text AS digest
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema';
DO $do$
DECLARE r record;
BEGIN
    FOR r IN SELECT * FROM terp_fixtures.tables WHERE inherited LOOP
        EXECUTE format('CREATE TABLE terp_fixtures.rows_%s AS SELECT * FROM ONLY %s', r.root, r.spelled);
    END LOOP;
    FOR r IN SELECT * FROM terp_fixtures.sequences LOOP
        EXECUTE format('UPDATE terp_fixtures.sequences s SET (last_value, is_called) = (SELECT q.last_value, q.is_called FROM %s q)
            WHERE s.id = %s',
            r.spelled, r.id);
    END LOOP;
    FOR r IN SELECT * FROM terp_fixtures.views LOOP
        EXECUTE format('UPDATE terp_fixtures.views v SET digest = (SELECT count(*) || '':'' || coalesce(bit_xor(x.hash), 0) || '':'' ||
            coalesce(sum(x.hash & 1073741823), 0) FROM (SELECT hashtextextended(textin(record_out(terp_fixtures_row)), 0) AS hash
            FROM %s terp_fixtures_row) x) WHERE v.id = %s', r.spelled, r.id);
    END LOOP;
    FOR r IN SELECT * FROM terp_fixtures.tables WHERE NOT marked AND NOT row_security_active(root) LOOP
        EXECUTE format('UPDATE terp_fixtures.tables t SET digest = (SELECT count(*) || '':'' || coalesce(bit_xor(x.hash), 0) || '':'' ||
            coalesce(sum(x.hash & 1073741823), 0) FROM (SELECT hashtextextended(textin(record_out(%s)), 0) AS hash
            FROM %s%s terp_fixtures_row) x) WHERE t.root = %s', r.image, r.reach, r.spelled, r.root);
    END LOOP;
END $do$;
CREATE TABLE terp_fixtures.shape (name text, hash bigint);
