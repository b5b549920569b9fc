"""What a vault remembers: records, the life cycle of keys, where they stay, and backups. Stands on cryptography."""
