"""What tests control and inspect while an emulator serves: faults, throttling, permissions, recorded requests."""
