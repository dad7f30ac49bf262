"""Vector instructions that are pinned for all workers of a run, so that their bytes agree.

Sums in another order have other last bits. Tried on small networks of three kinds, on one AMD processor:
bytes change with the instructions that oneDNN's products and numba's loops may use, those of torch's own
kernels where numba is absent, and the processor that numba tunes for. MKL's and NumPy's did not change them
there; MKL multiplies on Intel's, and is pinned too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = "this machine's"
"""Setting that pins what the machine that starts the run uses."""
OWN = "each its own"
"""Setting that pins nothing."""
PIN = "GROKKING_TICKETS_CPU"
"""Environment variable of workers: the pinned capability."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "avx2": ("avx2", "fma"),
    "avx512": ("avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl"),
}
"""Flags of a processor by capability, from the least on, as torch tells them apart."""
LIBRARIES: Mapping[str, Mapping[str, str]] = {
    "default": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "",
    },
    "avx512": {
        "ATEN_CPU_CAPABILITY": "avx512",
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512",
        "NUMBA_CPU_NAME": "skylake-avx512",
        "NUMBA_CPU_FEATURES": "",
    },
}
"""Variables by which libraries are kept to a capability."""
LOOPS = "NUMBA_CPU_FEATURES"
"""Variable of the features that numba's loops may use."""


def capability_here(flags: frozenset[str] | None = None) -> str:
    """Return the capability that torch uses on this machine, as `cpu` names it.

    Parameters
    ----------
    flags : frozenset of str, optional
        The processor's; by default this one's.

    Examples
    --------
    >>> capability_here(frozenset({"avx2", "fma", "sse4_2"}))
    'avx2'
    """
    if flags is None:
        if named := os.environ.get("ATEN_CPU_CAPABILITY"):
            return named.lower()
        flags = processor_flags()
    return [name for name, needed in NEEDED.items() if flags.issuperset(needed)][-1]


def processor_flags() -> frozenset[str]:
    """Return the flags of this machine's processor; none where the system does not list them."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    listed = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(listed, "").split())


def pinned_environment(cpu: str) -> Mapping[str, str]:
    """Return the environment of workers by the setting `cpu`.

    This machine's is what its own runs use: the same bytes come out, on machines that have all of it.
    """
    if cpu == OWN:
        return {}
    if cpu != HERE:
        return {PIN: cpu, **LIBRARIES[cpu]}
    capability = capability_here()
    return {PIN: capability, **LIBRARIES.get(capability, {}), **_loops_here()}


def _loops_here() -> Mapping[str, str]:
    """Return the processor that numba compiles its loops for on this machine; nothing without numba."""
    try:
        from numba.core import codegen, config
    except ImportError:
        return {}
    set_here: Any = config
    processor: Any = codegen.ll
    features = set_here.CPU_FEATURES
    return {
        "NUMBA_CPU_NAME": set_here.CPU_NAME or processor.get_host_cpu_name(),
        LOOPS: codegen.get_host_cpu_features() if features is None else features,
    }


def unmet_pin() -> str | None:
    """Return why this machine cannot work for a run whose instructions are pinned, None if it can."""
    pinned = os.environ.get(PIN)
    missing = sorted({*NEEDED.get(pinned or "", ())} - processor_flags()) or _missing_features()
    if not missing:
        return None
    return (
        f"this node's processor has no {' '.join(missing)}, which the run is pinned to; ask for other nodes, "
        f"or pin a lower `cpu` in [cluster]: one of {', '.join(NEEDED)}"
    )


def _missing_features() -> list[str]:
    """Return the pinned features of numba's loops that this machine lacks."""
    pinned = {name[1:] for name in os.environ.get(LOOPS, "").split(",") if name.startswith("+")}
    if not pinned:
        return []
    try:
        from numba.core.codegen import get_host_cpu_features
    except ImportError:  # its loops are not used
        return []
    return sorted(pinned - {name[1:] for name in get_host_cpu_features().split(",") if name[0] == "+"})
