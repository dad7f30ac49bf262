"""Whether the neurons' output phases are twice their input phases, and how evenly both are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.loading.trained_network import Network
    from interp.mechanism.diversification import PhaseSymmetry
    from training.runs.run_directory import RunDir


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Phase alignment, phase symmetry and frequency use of the neurons, at every checkpoint."
    figures = ("phases", "phase_rings", "magnitudes")
    return analyse("phases", parser("phases", about).parse_args(argv), measure, figures)


def measure(run: RunDir, networks: list[Network]) -> Result:
    """All tables of the networks, and what came of them per arm."""
    from analyses.tables.long_format import gather, plain_means
    from training.cli.parser import format_table

    parts = [_network(network) for network in networks]
    tables = {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}
    means = plain_means(tables[""], by=["arm"])
    text = [
        "D = 2 × input phase − output phase; means over neurons, then over seeds (first → last checkpoint):",
        format_table([_alignment(row) for row in means]),
        "\nAt the last checkpoint, beside what chance gives:",
        format_table([_spread(row) for row in means]),
        "freqs: different frequencies in use. Rι: length of the mean of exp(i ι φ) over the neurons of one",
        "frequency, in groups of 2 and more; Rayleigh: that of as many independent phases.",
        "χ²: uniform use of all frequencies, largest p of the seeds.",
    ]
    return Result(tables, {"arms": means}, "\n".join(text))


def _network(network: Network) -> dict[str, pd.DataFrame]:
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.mechanism.diversification import amplitude_variation, frequency_counts, phase_symmetry
    from interp.mechanism.phase_alignment import frequency_agreement, misalignment
    from interp.spectra.fourier import check_modulus
    from interp.spectra.weight_spectrum import neuron_frequency

    input_map, output_map = network.maps(network.weights())  # (T, m, p)
    K = check_modulus(input_map.shape[-1])
    own = misalignment(input_map, output_map)
    final = misalignment(input_map, output_map, frequency=own.frequency[-1])
    output_frequency, _ = neuron_frequency(output_map)  # (T, m)
    symmetry = phase_symmetry(own.input_phase, own.frequency, K)
    counts = frequency_counts(own.frequency, K)
    columns = {
        "mean_abs_sin": own.mean_abs_sin,
        "mean_cos": own.mean_cos,
        "weighted_cos": own.weighted_cos,
        "mean_abs_sin_at_final": final.mean_abs_sin,
        "mean_cos_at_final": final.mean_cos,
        "weighted_cos_at_final": final.weighted_cos,
        "same_frequency": frequency_agreement(own.frequency, output_frequency)[0],
        "same_frequency_chance": np.array(1 / K),
        **_group_means(symmetry),
        "n_frequencies": (counts.count > 0).sum(axis=-1),
        "chi2": counts.chi2,
        "chi2_p_value": counts.p_value,
        "cv_input_amplitude": amplitude_variation(own.input_amplitude),
        "cv_output_amplitude": amplitude_variation(own.output_amplitude),
        "n_dead": own.n_dead,
    }
    per_neuron = {
        "frequency": own.frequency,
        "output_frequency": output_frequency,
        "D": own.D,
        "input_phase": own.input_phase,
        "output_phase": own.output_phase,
        "input_amplitude": own.input_amplitude,
        "output_amplitude": own.output_amplitude,
    }
    at = {"step": network.steps}
    groups = {f"R_{i + 1}": symmetry.R[..., i] for i in range(symmetry.R.shape[-1])}
    groups |= {"rayleigh": symmetry.baseline, "n_neurons": symmetry.n_neurons}
    by_frequency = long_table(network, at | {"frequency": range(1, K + 1)}, groups)
    return {
        "": long_table(network, at, columns),
        "_neurons": long_table(network, at | {"neuron": range(input_map.shape[1])}, per_neuron),
        "_groups": by_frequency[by_frequency["n_neurons"] > 0],
    }


def _group_means(symmetry: PhaseSymmetry) -> dict[str, np.ndarray]:
    """R and its baseline, averaged over the frequency groups of 2 and more by their number of neurons.

    A group of one has R = 1 whatever its phase.
    """
    import numpy as np

    weight = np.where(symmetry.n_neurons >= 2, symmetry.n_neurons, 0)  # (T, K)
    total = np.where(weight.any(axis=-1), weight.sum(axis=-1), np.nan)  # (T,)

    def mean(x: np.ndarray) -> np.ndarray:
        return (weight * np.where(weight > 0, x, 0)).sum(axis=-1) / total

    orders = {f"R_{i + 1}": mean(symmetry.R[..., i]) for i in range(symmetry.R.shape[-1])}
    return orders | {"rayleigh": mean(symmetry.baseline)}


def _alignment(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, change

    return {"arm": arm_words(row["arm"]), "seeds": row["n_seeds"]} | {
        title: change(row[f"{name}_first"], row[f"{name}_last"])
        for title, name in (
            ("mean |sin D|", "mean_abs_sin"),
            ("mean cos D", "mean_cos"),
            ("weighted cos D", "weighted_cos"),
            ("same frequency", "same_frequency"),
        )
    }


def _spread(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    titles = {f"R_{order}_last": f"R{order}" for order in range(1, 5)} | {
        "rayleigh_last": "Rayleigh",
        "n_frequencies_last": "freqs",
        "chi2_p_value_max": "χ² p ≤",
        "cv_input_amplitude_last": "CV in",
        "cv_output_amplitude_last": "CV out",
        "n_dead_last": "dead",
    }
    return {"arm": arm_words(row["arm"])} | {title: number(row[name]) for name, title in titles.items()}
