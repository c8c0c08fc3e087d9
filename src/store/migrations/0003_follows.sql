-- What people are to each other.

CREATE TABLE follows (
  follower INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  followed INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (follower, followed),
  CHECK (follower <> followed)
) STRICT;
CREATE INDEX follows_followed ON follows (followed, follower);

-- Who is blocked neither follows, nor is noticed, nor takes part in the blocker's rooms.
CREATE TABLE blocks (
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  blocked INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (account, blocked),
  CHECK (account <> blocked)
) STRICT;
CREATE INDEX blocks_blocked ON blocks (blocked);

-- `host` is the broadcaster whose rooms are meant.
CREATE TABLE moderators (
  host INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (host, account)
) STRICT;
CREATE INDEX moderators_account ON moderators (account);

-- A time-out is a ban with an end.
CREATE TABLE bans (
  host INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  banned_by INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
  reason TEXT NOT NULL CHECK (length(reason) <= 200),
  created_ms INTEGER NOT NULL,
  until_ms INTEGER,
  PRIMARY KEY (host, account),
  CHECK (host <> account)
) STRICT;
CREATE INDEX bans_account ON bans (account);
CREATE INDEX bans_banned_by ON bans (banned_by);
