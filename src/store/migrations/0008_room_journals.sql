-- What happened in a room, batch by batch, before anybody is told (audience/journal.h). Rooms of a server without accounts
-- have one too, so it refers to no broadcast: `topic` is the room's.

CREATE TABLE room_journals (
  topic TEXT NOT NULL CHECK (length(topic) BETWEEN 1 AND 200),
  number INTEGER NOT NULL CHECK (number > 0),
  written_ms INTEGER NOT NULL,
  entry BLOB NOT NULL CHECK (length(entry) <= 4194304),
  PRIMARY KEY (topic, number)
) STRICT;
CREATE INDEX room_journals_written ON room_journals (written_ms);
