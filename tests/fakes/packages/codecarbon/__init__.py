"""Stands in for CodeCarbon where it is not installed: nothing but the base class of its outputs."""
