"""What the figures of each answer are counted from, so that every one of them can be explained the same way."""
