"""Root cause and affected tests: pure Python over the version control port."""
