"""From files of any kind to contributions, losing nothing."""
