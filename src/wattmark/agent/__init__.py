"""One process per node that measures, attributes, keeps and shows what serving models costs."""
