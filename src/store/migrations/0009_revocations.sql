-- What was taken back of the tokens for private channels (edge/guests.h): those of `viewer` for `channel` that were first
-- made up to `issued_until_s`, in seconds since 1970. A viewer is an account, or 0 for links; -1 is everybody. A server
-- without accounts has them too, so they refer to none.

CREATE TABLE revocations (
  channel TEXT NOT NULL CHECK (length(channel) BETWEEN 1 AND 64),
  viewer INTEGER NOT NULL CHECK (viewer >= -1),
  issued_until_s INTEGER NOT NULL,
  PRIMARY KEY (channel, viewer)
) STRICT;
