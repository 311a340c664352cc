"""Pure estimators that turn a batch into evidence."""
