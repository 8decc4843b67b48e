"""A made-up B2B history of any size, whose true parameters are known."""
