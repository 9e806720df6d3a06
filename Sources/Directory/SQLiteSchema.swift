/// The tables of `directory.sqlite`; migrations are only ever appended.
enum SQLiteSchema {
    static let migrations = [
        """
        CREATE TABLE account (
            -- Never used again, since it is half of a cursor.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            password_hash TEXT NOT NULL,
            disabled INTEGER NOT NULL DEFAULT 0,
            -- As IndexState has them; 32 bytes each.
            version BLOB NOT NULL DEFAULT (zeroblob(32)),
            received BLOB,
            files INTEGER NOT NULL DEFAULT 0
        );

        -- Times in milliseconds since 1970.
        CREATE TABLE lease (
            account_id INTEGER PRIMARY KEY REFERENCES account ON DELETE CASCADE,
            token BLOB NOT NULL,
            opened INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            source TEXT NOT NULL,
            rest_url TEXT,
            grpc TEXT,
            peer_id TEXT
        );

        -- Each filename once, however many peers list it.
        CREATE TABLE name (
            -- Never used again, since it is half of a cursor.
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            filename TEXT NOT NULL UNIQUE
        );

        -- The grams of the names, as GramText makes them; rowid is name.id.
        CREATE VIRTUAL TABLE name_text USING fts5 (
            grams, content = '', detail = none, columnsize = 0, tokenize = 'ascii'
        );

        -- No foreign keys: name.id is kept by the statements that write here, 10 million times.
        CREATE TABLE entry (
            name_id INTEGER NOT NULL,
            account_id INTEGER NOT NULL,
            size INTEGER,
            sha256 BLOB,
            modified INTEGER,
            url TEXT,
            PRIMARY KEY (name_id, account_id)
        ) WITHOUT ROWID;
        CREATE INDEX entry_account ON entry (account_id);
        CREATE INDEX entry_sha256 ON entry (sha256) WHERE sha256 IS NOT NULL;
        """
    ]
}
