"""Read-only answers about a workspace; whoever asks, a person or a page, asks here."""
