"""What a daemon counts, as Prometheus and an operator read it: sums over all workers, never set back.

    a worker counts -> its samples, by `families` -> its row of shared memory -> summed over rows -> text

Rows are in memory that the supervisor made before it forked. A worker writes its own some times a second; what a
worker had counted when it died stays in the sum.
"""
