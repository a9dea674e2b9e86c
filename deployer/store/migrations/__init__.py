"""The schema, one numbered file per step: `NNNN_what.sql`. A file that was released is never edited again."""
