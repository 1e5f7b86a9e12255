"""The report that a run leaves beside its log: a page for people, a document for programs."""
