"""Measuring: what our programs cost beside those that others run, on one machine and over the same data.

    __main__ -> measures.* -> stage (who runs) -> ours, peers.* (how) -> load (dnsperf) -> cpu (what it cost)
             -> results (values, JSON) -> report (Markdown), plots (PNG)

No part of the distribution. What decides (`rounds`, `dataset`, `results`, `report`, the texts of configurations,
the parsers) is pure; the rest starts real programs. How it is done fairly stands in `bench/README.md`.
"""
