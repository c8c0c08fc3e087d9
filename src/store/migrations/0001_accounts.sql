-- People, and how they prove who they are. Secrets are kept as digests: of passwords Argon2id, of what is random BLAKE2b.

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 30),
  display_name TEXT NOT NULL CHECK (length(display_name) BETWEEN 1 AND 50),
  password_digest TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('operator', 'person')),
  invited_by INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
  created_ms INTEGER NOT NULL,
  suspended_ms INTEGER
) STRICT;
CREATE INDEX accounts_invited_by ON accounts (invited_by);

CREATE TABLE pictures (
  account INTEGER PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
  content_type TEXT NOT NULL CHECK (content_type IN ('image/png', 'image/jpeg', 'image/webp')),
  content BLOB NOT NULL CHECK (length(content) BETWEEN 1 AND 262144),
  set_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  agent TEXT NOT NULL CHECK (length(agent) <= 200),
  created_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_expires ON sessions (expires_ms);

CREATE TABLE api_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 50),
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER,
  expires_ms INTEGER,
  revoked_ms INTEGER
) STRICT;
CREATE INDEX api_tokens_account ON api_tokens (account);

CREATE TABLE invites (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  made_by INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX invites_made_by ON invites (made_by);
