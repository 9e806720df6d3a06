/// The tables of `catalog.sqlite`; migrations are only ever appended.
enum CatalogSchema {
    static let migrations = [
        """
        CREATE TABLE file (
            id INTEGER PRIMARY KEY,
            path TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            -- As FoldedName has it; NULL where that is the name itself.
            folded TEXT,
            size INTEGER NOT NULL,
            modified_s INTEGER NOT NULL,
            modified_ns INTEGER NOT NULL,
            -- ctime in nanoseconds, wrapping around.
            changed INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            device INTEGER NOT NULL,
            sha256 BLOB,
            -- Unix time before which hashing is not tried again.
            retry_at INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX file_name ON file (name);
        CREATE INDEX file_inode ON file (inode);
        CREATE INDEX file_sha256 ON file (sha256) WHERE sha256 IS NOT NULL;
        CREATE INDEX file_unhashed ON file (size) WHERE sha256 IS NULL;

        CREATE VIRTUAL TABLE file_text USING fts5 (
            folded, content = '', detail = none, tokenize = 'trigram case_sensitive 1'
        );

        CREATE TABLE totals (files, bytes, hashed, version);
        INSERT INTO totals VALUES (0, 0, 0, 0);

        CREATE TRIGGER file_inserted AFTER INSERT ON file BEGIN
            INSERT INTO file_text (rowid, folded) VALUES (new.id, ifnull(new.folded, new.name));
            UPDATE totals SET files = files + 1, bytes = bytes + new.size,
                hashed = hashed + (new.sha256 IS NOT NULL), version = version + 1;
        END;
        CREATE TRIGGER file_deleted AFTER DELETE ON file BEGIN
            INSERT INTO file_text (file_text, rowid, folded)
                VALUES ('delete', old.id, ifnull(old.folded, old.name));
            UPDATE totals SET files = files - 1, bytes = bytes - old.size,
                hashed = hashed - (old.sha256 IS NOT NULL), version = version + 1;
        END;
        CREATE TRIGGER file_updated AFTER UPDATE OF size, changed, sha256 ON file BEGIN
            UPDATE totals SET bytes = bytes + new.size - old.size,
                hashed = hashed + (new.sha256 IS NOT NULL) - (old.sha256 IS NOT NULL),
                version = version + 1;
        END;
        """
    ]
}
