from training.pruning.registry import METHODS


def test_a_shuffled_mask_has_the_tickets_counts_per_layer_at_other_places(subject, model, same):
    ticket = METHODS["magnitude"].prune(subject(model))
    before = {name: kept.copy() for name, kept in ticket.items()}
    mask = METHODS["shuffled"].prune(subject(model, source_mask=ticket))
    assert {name: kept.sum() for name, kept in mask.items()} == {name: m.sum() for name, m in ticket.items()}
    assert len({float(kept.mean()) for kept in ticket.values()}) > 1  # counts of layers differ
    assert all((mask[name] != ticket[name]).any() for name in ticket)
    assert same(ticket, before)
