-- Words of jobs/principal.py with spaces between them, and a JSON array of names of roots; NULL is
-- every root that is open to the principal. `last_use_time` is true to some minutes.
ALTER TABLE token ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read write';
ALTER TABLE token ADD COLUMN roots TEXT;
ALTER TABLE token ADD COLUMN last_use_time INTEGER;
UPDATE token SET scopes = 'read write admin take-ownership' WHERE admin;
ALTER TABLE token DROP COLUMN admin;
