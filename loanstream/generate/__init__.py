"""Files made from the code's own tables: schemas, AsyncAPI, reference pages, examples."""
