"""An ensemble over accounts, and how many hostile ones each of its answers withstands."""
