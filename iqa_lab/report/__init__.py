"""Results on disk -> what people look at: figures, tables, one HTML page."""
