-- Who did what to whom, for those who answer for it. It outlives those it speaks of, so it refers to nobody.

CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor INTEGER,
  action TEXT NOT NULL CHECK (length(action) BETWEEN 1 AND 50),
  subject INTEGER,
  detail TEXT NOT NULL CHECK (length(detail) <= 500)
) STRICT;
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_subject ON audit_log (subject, id);
