"""Writers of the official folder layouts: `write_case` in a worker, `write_tables` at the end."""
