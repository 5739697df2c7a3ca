"""The search for the culprit: which commit to try next, and how sure the answers make us."""
