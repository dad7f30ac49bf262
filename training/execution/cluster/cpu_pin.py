"""Vector instructions that are pinned for all workers of a run, so that their bytes agree.

Sums in another order have other last bits. Tried here, on small networks of three kinds: oneDNN's products
(`ONEDNN_MAX_CPU_ISA`) change bytes; torch's own kernels, MKL and NumPy did not, and are pinned all the same.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

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
    "default": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
    "avx512": {
        "ATEN_CPU_CAPABILITY": "avx512",
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512",
    },
}
"""Variables by which libraries are kept to a capability."""


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
    """Return the environment of workers by the setting `cpu`."""
    if cpu == OWN:
        return {}
    capability = capability_here() if cpu == HERE else cpu
    return {PIN: capability, **LIBRARIES.get(capability, {})}


def unmet_pin() -> str | None:
    """Return why this machine cannot work for a run whose capability is pinned, None if it can."""
    pinned = os.environ.get(PIN)
    missing = sorted(set(NEEDED.get(pinned or "", ())) - processor_flags())
    if not missing:
        return None
    return (
        f"this node's processor has no {' '.join(missing)}, and the run is pinned to {pinned}; ask for other "
        f"nodes, or start it anew with a lower `cpu` in [cluster]"
    )
