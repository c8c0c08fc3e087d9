-- What was said in a broadcast's room, in its order: a replay shows the same conversation. The number is the room's own,
-- so that what is written twice, after a doubt, is there once.

CREATE TABLE room_events (
  broadcast INTEGER NOT NULL REFERENCES broadcasts (id) ON DELETE CASCADE,
  number INTEGER NOT NULL CHECK (number >= 0),
  media_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 20),
  account INTEGER REFERENCES accounts (id) ON DELETE SET NULL,
  content BLOB NOT NULL CHECK (length(content) <= 4096),
  PRIMARY KEY (broadcast, number)
) STRICT;
CREATE INDEX room_events_account ON room_events (account);

-- Times are places on the broadcast's timeline. `options` is a JSON array of 2 to 6 texts.
CREATE TABLE polls (
  broadcast INTEGER NOT NULL REFERENCES broadcasts (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  question TEXT NOT NULL CHECK (length(question) BETWEEN 1 AND 200),
  options TEXT NOT NULL,
  opened_media_ms INTEGER NOT NULL,
  closed_media_ms INTEGER,
  PRIMARY KEY (broadcast, number)
) STRICT;

CREATE TABLE votes (
  broadcast INTEGER NOT NULL,
  poll INTEGER NOT NULL,
  account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  choice INTEGER NOT NULL CHECK (choice BETWEEN 0 AND 5),
  media_ms INTEGER NOT NULL,
  PRIMARY KEY (broadcast, poll, account),
  FOREIGN KEY (broadcast, poll) REFERENCES polls (broadcast, number) ON DELETE CASCADE
) STRICT;
CREATE INDEX votes_account ON votes (account);
