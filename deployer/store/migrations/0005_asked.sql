-- How a run was asked for besides what stands in its other columns, as JSON: `retry` repeats it. Empty in older rows.
ALTER TABLE runs ADD COLUMN asked TEXT;
