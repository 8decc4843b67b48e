"""The sales process engine: facts in one log, every number a pure function of that log."""
