"""Which fpdig this is."""


def version() -> str:
    """Return the version of what is installed."""
    from importlib import metadata  # noqa: PLC0415 - takes a twentieth of a second, and few answers need it

    try:
        return metadata.version("fingerpost")
    except metadata.PackageNotFoundError:
        return "(not installed)"
