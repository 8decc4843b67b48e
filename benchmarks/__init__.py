"""Side by side with what a user would pick instead, and with the floor of the machine; never a timed test."""
