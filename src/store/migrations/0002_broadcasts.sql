-- What people broadcast, and with which keys.

CREATE TABLE stream_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
  label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 50),
  created_ms INTEGER NOT NULL,
  used_ms INTEGER,
  revoked_ms INTEGER
) STRICT;
CREATE INDEX stream_keys_account ON stream_keys (account);

-- `link` is random: whoever has it finds an unlisted broadcast.
CREATE TABLE broadcasts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  link TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL CHECK (length(title) <= 140),
  visibility TEXT NOT NULL CHECK (visibility IN ('public', 'unlisted', 'private')),
  stream_key INTEGER REFERENCES stream_keys (id) ON DELETE SET NULL,
  created_ms INTEGER NOT NULL,
  started_ms INTEGER,
  ended_ms INTEGER CHECK (ended_ms IS NULL OR started_ms IS NOT NULL),
  viewers_peak INTEGER NOT NULL DEFAULT 0,
  viewers_total INTEGER NOT NULL DEFAULT 0,
  comments INTEGER NOT NULL DEFAULT 0,
  hearts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX broadcasts_account ON broadcasts (account, id);
CREATE INDEX broadcasts_stream_key ON broadcasts (stream_key);
-- A person is live once.
CREATE UNIQUE INDEX broadcasts_live ON broadcasts (account) WHERE started_ms IS NOT NULL AND ended_ms IS NULL;

-- Who may watch what is private, besides whose it is.
CREATE TABLE broadcast_guests (
  broadcast INTEGER NOT NULL REFERENCES broadcasts (id) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  PRIMARY KEY (broadcast, account)
) STRICT;
CREATE INDEX broadcast_guests_account ON broadcast_guests (account);
