-- Host and port of the Contact that the registrar has, as they were configured then.
ALTER TABLE account ADD COLUMN contact TEXT;
