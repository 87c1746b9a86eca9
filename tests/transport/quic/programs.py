"""Programs of others that speak QUIC."""

import shutil
import subprocess


def kdig_speaks_quic() -> bool:
    """Whether there is a kdig here that was built with QUIC."""
    if shutil.which("kdig") is None:
        return False
    said = subprocess.run(["kdig", "+quic", "-h"], capture_output=True, text=True, timeout=10, check=False)
    return "+[no]quic" in said.stdout + said.stderr
