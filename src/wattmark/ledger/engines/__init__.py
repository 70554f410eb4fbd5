"""What runs the ledger's SQL: one engine, one file."""
