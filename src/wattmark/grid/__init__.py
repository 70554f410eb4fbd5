"""Carbon intensity of electricity: one provider, one file."""
