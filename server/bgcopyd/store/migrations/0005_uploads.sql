-- JSON of what is known of a file's upload; NULL in a download. Such a row has no destination, and
-- `live` is 0: what an upload reads may have any number of readers.
ALTER TABLE file ADD COLUMN upload TEXT;
