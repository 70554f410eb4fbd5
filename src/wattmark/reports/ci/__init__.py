"""A decision in the forms that CI systems, forges and test reporters show."""
