"""What a lead and a deal have in common, being one journey: commands, state and rules."""
