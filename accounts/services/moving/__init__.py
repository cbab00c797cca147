"""Accounts that move in from other systems and out again: reading formats, checking, writing and exporting.

A reader yields a Record for each account, or a Refusal for one that cannot be read. Only its reader knows a format.
"""
