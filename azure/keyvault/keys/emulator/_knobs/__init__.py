"""What tests turn and read while an emulator serves: faults, throttling, permissions, and the record of requests."""
