-- Divides sessions by a hash of their id and events by a hash of their user into eight partitions each ("When one primary
-- is not enough" in docs/operations.md). Back up, stop the product, and run it as the owner of the tables:
--
--     psql --single-transaction --file deploy/partitions.sql "$DATABASE_URL"
--
-- Indexes and constraints keep their names, by which later migrations find them. A later migration that makes an index on
-- one of the two tables blocks its writers: PostgreSQL cannot make one CONCURRENTLY on a divided table.
CREATE FUNCTION pg_temp.divide(whole regclass, key text, parts integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := whole::text;
    number integer;
    statement text;
    statements text[];
BEGIN
    -- A unique index of a partitioned table must contain its key. The others become plain indexes, which find rows too.
    SELECT array_agg(
        CASE
            WHEN NOT i.indisunique THEN pg_get_indexdef(i.indexrelid)
            WHEN pg_get_indexdef(i.indexrelid, 1, true) = key THEN
                format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (%I)', name, c.relname, key)
            ELSE replace(pg_get_indexdef(i.indexrelid), 'CREATE UNIQUE', 'CREATE')
        END
    ) INTO statements
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = whole;
    SELECT statements || array_agg(
        format('ALTER TABLE %I ADD CONSTRAINT %I %s', name, conname, pg_get_constraintdef(oid))
    ) INTO statements FROM pg_constraint WHERE conrelid = whole AND contype = 'f';

    EXECUTE format('ALTER TABLE %I RENAME TO undivided', name);
    EXECUTE format(
        'CREATE TABLE %I (LIKE undivided INCLUDING ALL EXCLUDING INDEXES) PARTITION BY HASH (%I)', name, key
    );
    FOR number IN 0 .. parts - 1 LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
            name || '_' || number, name, parts, number
        );
    END LOOP;
    EXECUTE format('INSERT INTO %I OVERRIDING SYSTEM VALUE SELECT * FROM undivided', name);
    IF pg_get_serial_sequence(name, 'id') IS NOT NULL THEN
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, ''id''), max(id)) FROM undivided', name);
    END IF;
    DROP TABLE undivided;
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
END $$;

SELECT pg_temp.divide('accounts_session', 'id', 8);
SELECT pg_temp.divide('accounts_securityevent', 'user_id', 8);
