"""Accounts that move in from elsewhere and out again: formats are read, checked, written and given out.

Readers give Record for each account, and Refusal for each that cannot be read. Nothing of a format is known beyond
its reader.
"""
