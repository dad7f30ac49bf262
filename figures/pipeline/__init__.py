"""`python -m figures make`: train, measure and draw whatever the catalogue's figures still lack."""
