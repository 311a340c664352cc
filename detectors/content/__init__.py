"""What was said: votes, outliers, noise, duplicates, backdoors, rules."""
