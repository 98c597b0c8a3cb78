"""The record stage: from records to rows, from ranges of records to inserts."""
