-- The room of what is live on each channel, so that it goes on when its server died and its publisher comes again
-- (studio/room_life_records.h). `node`: that server's name; `seen_ms`: when it was last known to live.

CREATE TABLE rooms (
  channel TEXT PRIMARY KEY CHECK (length(channel) BETWEEN 1 AND 100),
  broadcast TEXT NOT NULL CHECK (length(broadcast) BETWEEN 1 AND 50),
  epoch INTEGER NOT NULL CHECK (epoch > 0),
  node TEXT NOT NULL CHECK (length(node) <= 255),
  seen_ms INTEGER NOT NULL,
  ended_ms INTEGER
) STRICT;
