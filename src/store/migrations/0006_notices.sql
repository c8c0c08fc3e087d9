-- How people are reached when somebody goes live and no page of ours is open.

-- RFC 8291: the browser's P-256 point and its secret, with which notices are encrypted.
CREATE TABLE push_subscriptions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  endpoint TEXT NOT NULL UNIQUE CHECK (length(endpoint) BETWEEN 1 AND 1000),
  p256dh BLOB NOT NULL CHECK (length(p256dh) = 65),
  auth BLOB NOT NULL CHECK (length(auth) = 16),
  created_ms INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX push_subscriptions_account ON push_subscriptions (account);

-- The secret signs what we send, so it is kept as it is.
CREATE TABLE webhooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  url TEXT NOT NULL CHECK (length(url) BETWEEN 1 AND 1000),
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  created_ms INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  disabled_ms INTEGER
) STRICT;
CREATE INDEX webhooks_account ON webhooks (account);
