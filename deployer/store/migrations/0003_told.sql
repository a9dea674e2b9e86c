-- When somebody was told of manual work (on_attention); empty while nobody was.
ALTER TABLE manual_work ADD COLUMN told TEXT;
