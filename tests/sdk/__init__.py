"""SDKs that generators make of the product's documents, each with a journey that it makes against a running server.

A folder of this package holds what belongs to one SDK and is copied beside it: the journey, and what builds it.
"""
