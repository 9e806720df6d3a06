/// The tables of a directory's database; migrations are only ever appended.
///
/// They are named without a schema: the first of `search_path` has them.
enum PostgreSQLSchema {
    static let versionTable = "directory_schema"
    /// "p2p dir" in ASCII.
    static let lock: Int64 = 0x0070_3270_2064_6972

    static let migrations = [
        """
        CREATE TABLE directory_account (
            -- Never used again, since it is half of a cursor.
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text COLLATE "C" NOT NULL UNIQUE,
            password_hash text NOT NULL,
            disabled boolean NOT NULL DEFAULT false,
            -- As IndexState has them; 32 bytes each.
            version bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
            received bytea,
            files bigint NOT NULL DEFAULT 0
        );

        -- Times in milliseconds since 1970. No index has `expires` and pages are half full: so a
        -- heartbeat touches no index (heap-only tuples).
        CREATE TABLE directory_lease (
            account_id bigint PRIMARY KEY REFERENCES directory_account ON DELETE CASCADE,
            token bytea NOT NULL UNIQUE,
            opened bigint NOT NULL,
            expires bigint NOT NULL,
            source text NOT NULL,
            rest_url text,
            grpc text,
            peer_id text
        ) WITH (fillfactor = 50);

        CREATE SEQUENCE directory_name_id;

        -- Each filename once, however many peers list it.
        CREATE TABLE directory_name (
            -- Never used again, since it is half of a cursor.
            id bigint PRIMARY KEY,
            filename text COLLATE "C" NOT NULL UNIQUE,
            -- As NameGrams makes them.
            grams integer[] NOT NULL
        );
        CREATE INDEX directory_name_grams ON directory_name
            USING gin (grams pg_catalog.array_ops);

        -- No foreign keys: those who write lock names and accounts, 10 million times cheaper.
        CREATE TABLE directory_entry (
            name_id bigint NOT NULL,
            account_id bigint NOT NULL,
            size bigint,
            modified bigint,
            sha256 bytea,
            url text,
            PRIMARY KEY (name_id, account_id)
        );
        -- Names that have lost an entry, each once or more: NameSweep looks whether it was the last.
        CREATE TABLE directory_unlisted (name_id bigint NOT NULL);

        CREATE INDEX directory_entry_account ON directory_entry (account_id, name_id);
        CREATE INDEX directory_entry_sha256 ON directory_entry (sha256, name_id, account_id)
            WHERE sha256 IS NOT NULL;
        """,
        // Grams by window of ids. A new table, since ALTER would leave half of it empty; and a new
        // column, so that a program of version 1 that still runs fails instead of writing elements
        // that no search finds.
        """
        SET LOCAL maintenance_work_mem = '256MB';
        CREATE TABLE directory_name_2 (
            -- Never used again, since it is half of a cursor.
            id bigint NOT NULL,
            filename text COLLATE "C" NOT NULL,
            -- As NameGrams and IDWindow make them.
            elements bigint[] NOT NULL
        );
        -- Without the numbers of windows that were among the grams (negative), and without the
        -- single bytes that most names have.
        INSERT INTO directory_name_2 (id, filename, elements)
        SELECT id, filename, ARRAY(
            SELECT ((id >> 16) << 26) | gram FROM unnest(grams) AS gram
            WHERE gram > 50331647 OR (gram BETWEEN 16777216 AND 16777343 AND NOT (
                gram BETWEEN 16777313 AND 16777338 OR gram BETWEEN 16777264 AND 16777273
                OR gram IN (16777248, 16777261, 16777262, 16777311))))
        FROM directory_name ORDER BY id;
        DROP TABLE directory_name;
        ALTER TABLE directory_name_2 RENAME TO directory_name;
        ALTER TABLE directory_name ADD CONSTRAINT directory_name_pkey PRIMARY KEY (id),
            ADD CONSTRAINT directory_name_filename_key UNIQUE (filename);
        CREATE INDEX directory_name_grams ON directory_name
            USING gin (elements pg_catalog.array_ops);
        """,
    ]
}
