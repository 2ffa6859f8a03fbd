"""The steps of pipelines, each with its indexed and its sequential form."""
