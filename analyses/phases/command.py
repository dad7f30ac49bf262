"""Command `analyses.phases`: phases and amplitudes of every neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.phases.schema import ANALYSIS, GROUPS, MEANS, NEURONS
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.tables.schema import Table
    from interp.mechanism.diversification import PhaseSymmetry
    from interp.mechanism.phase_alignment import Misalignment
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("phases", "phase_rings", "magnitudes")


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return tables of all networks, with a summary per arm."""
    from analyses.phases.summary import summarise
    from analyses.tables.long_format import gather

    parts = [_network_tables(network) for network in networks]
    tables = {table: gather([part[table] for part in parts]) for table in ANALYSIS}
    return Result(tables, *summarise(tables))


def _network_tables(network: Network) -> dict[Table, pd.DataFrame]:
    from analyses.loading.neuron_maps import neuron_maps, second_input_map
    from analyses.tables.long_format import long_table
    from interp.mechanism.diversification import phase_symmetry
    from interp.mechanism.phase_alignment import misalignment
    from interp.spectra.fourier import check_modulus
    from interp.spectra.tied_frequencies import has_tied_frequency
    from interp.spectra.weight_spectrum import neuron_frequency

    weights = network.weights()
    input_map, output_map = neuron_maps(network, weights)  # (T, m, p)
    second = second_input_map(network, weights)
    K = check_modulus(input_map.shape[-1])
    aligned = misalignment(input_map, output_map, second_map=second)
    final_frequency = aligned.frequency[-1]
    aligned_at_final = misalignment(input_map, output_map, frequency=final_frequency, second_map=second)
    output_frequency, _ = neuron_frequency(output_map)  # (T, m)
    symmetry = phase_symmetry(aligned.input_phase, aligned.frequency, K)
    neurons = {
        "frequency": aligned.frequency,
        "output_frequency": output_frequency,
        "D": aligned.D,
        "input_phase": aligned.input_phase,
        "output_phase": aligned.output_phase,
        "input_amplitude": aligned.input_amplitude,
        "output_amplitude": aligned.output_amplitude,
    }
    groups = {f"R_{i + 1}": symmetry.R[..., i] for i in range(symmetry.R.shape[-1])}
    groups |= {"rayleigh": symmetry.baseline, "n_neurons": symmetry.n_neurons}
    at = {"step": network.steps}
    by_frequency = long_table(network, at | {"frequency": range(1, K + 1)}, groups)
    n_tied = has_tied_frequency(input_map).sum(axis=-1)
    means = _means(aligned, aligned_at_final, output_frequency, symmetry, n_tied, K)
    return {
        MEANS: long_table(network, at, means),
        NEURONS: long_table(network, at | {"neuron": range(input_map.shape[1])}, neurons),
        GROUPS: by_frequency[by_frequency["n_neurons"] > 0],
    }


def _means(
    aligned: Misalignment,
    aligned_at_final: Misalignment,
    output_frequency: np.ndarray,
    symmetry: PhaseSymmetry,
    n_tied: np.ndarray,
    K: int,
) -> dict[str, np.ndarray]:
    """Return the columns of `MEANS`, (T,) each."""
    import numpy as np

    from interp.mechanism.diversification import amplitude_variation, frequency_counts
    from interp.mechanism.phase_alignment import frequency_agreement

    counts = frequency_counts(aligned.frequency, K)
    return {
        "mean_abs_sin": aligned.mean_abs_sin,
        "mean_cos": aligned.mean_cos,
        "weighted_cos": aligned.weighted_cos,
        "mean_abs_sin_at_final": aligned_at_final.mean_abs_sin,
        "mean_cos_at_final": aligned_at_final.mean_cos,
        "weighted_cos_at_final": aligned_at_final.weighted_cos,
        "same_frequency": frequency_agreement(aligned.frequency, output_frequency)[0],
        "same_frequency_chance": np.array(1 / K),
        **_group_means(symmetry),
        "n_frequencies": (counts.count > 0).sum(axis=-1),
        "chi2": counts.chi2,
        "chi2_p_value": counts.p_value,
        "cv_input_amplitude": amplitude_variation(aligned.input_amplitude),
        "cv_output_amplitude": amplitude_variation(aligned.output_amplitude),
        "n_dead": aligned.n_dead,
        "n_silent": aligned.n_silent,
        "n_tied": n_tied,
    }


def _group_means(symmetry: PhaseSymmetry) -> dict[str, np.ndarray]:
    """Return resultant lengths and their expectation, averaged over frequency groups.

    Groups of two and more count by their number of neurons; a group of one has R = 1 whatever its phase.
    """
    import numpy as np

    weight = np.where(symmetry.n_neurons >= 2, symmetry.n_neurons, 0)  # (T, K)
    total = np.where(weight.any(axis=-1), weight.sum(axis=-1), np.nan)  # (T,)

    def mean(x: np.ndarray) -> np.ndarray:
        return (weight * np.where(weight > 0, x, 0)).sum(axis=-1) / total

    orders = {f"R_{i + 1}": mean(symmetry.R[..., i]) for i in range(symmetry.R.shape[-1])}
    return orders | {"rayleigh": mean(symmetry.baseline)}


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
    figures=FIGURES,
)
main = COMMAND.main
