-- Who was told of manual work so far, and since when somebody is at it: a claim is over when its process died.
ALTER TABLE manual_work ADD COLUMN claimed TEXT;
ALTER TABLE manual_work ADD COLUMN told_to TEXT;
