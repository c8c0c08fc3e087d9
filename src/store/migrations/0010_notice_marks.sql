-- Up to when somebody has seen who went live, of those they follow.

CREATE TABLE notice_marks (
  account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  seen_ms INTEGER NOT NULL
) STRICT;

-- What went live lately, of each whom somebody follows.
CREATE INDEX broadcasts_started ON broadcasts (account, started_ms);

-- What all nodes sign with, made by the first that needs it. Whoever reads it speaks for this server: it is kept as it is.
CREATE TABLE server_keys (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 50),
  content BLOB NOT NULL CHECK (length(content) BETWEEN 16 AND 200),
  created_ms INTEGER NOT NULL
) STRICT;
