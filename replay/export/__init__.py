"""Exports: what the log holds and what is derived from it, in files and tables that others read without us.

Each says what it was made from (manifest.py), is whole or not there (output.py), and is written batch by batch.
"""
