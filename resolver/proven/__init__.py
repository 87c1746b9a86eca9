"""Statements that have been verified, kept: in this process (`memory`), or in a file of all workers (`shared`).

Both keep what `store.Proven` describes and give it back without verifying it again. Only what the rules of order
(verification step 9) allow stands in them.
"""
