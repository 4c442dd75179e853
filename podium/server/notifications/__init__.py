"""What is sent to people and other systems: queued, delivered in order, tried again, given up in sight."""
