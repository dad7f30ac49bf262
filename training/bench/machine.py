"""Machine and load that a bench ran on."""

from __future__ import annotations

import datetime
import os
from typing import Any


def machine(device: str) -> dict[str, Any]:
    """Return what a timing depends on, by name.

    They are the CPU, its cores, the threads used, the device, the library of the engine's products, the
    versions of the numerical libraries, the load average of the last minute, and the date.
    """
    import numpy
    import torch

    from training.cli.machine import available_cores, installed_version
    from training.execution.identity.device import platform_of
    from training.execution.identity.start_record import cpu_model

    platform = platform_of(device)
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "CPU": cpu_model(),
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "device": platform["device"],
        "engine": platform["engine"],
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
        "numba": installed_version("numba") or "not installed",
        "load average at the start": load,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
