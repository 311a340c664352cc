"""The words of foretaste as types; nothing here imports another room."""
