"""The benchmarks, a file each; `bench.__main__` has them in their order."""
