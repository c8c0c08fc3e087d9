-- Who owns what only one may own (lease.h). `number` goes up with each owner and never down, so a row is never deleted;
-- `beat` goes up with each sign of life. No holder: free.

CREATE TABLE leases (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
  number INTEGER NOT NULL CHECK (number > 0),
  holder TEXT,
  beat INTEGER NOT NULL
) STRICT;
