"""What a vault stores: records, the life cycle of keys, storage, and backups. Depends on ``_cryptography``."""
