from training.pruning.registry import METHODS


def test_a_shuffled_mask_has_the_tickets_counts_per_layer_at_other_places(subject, model, same):
    ticket = METHODS["magnitude"].prune(subject(model))
    before = {name: is_kept.copy() for name, is_kept in ticket.items()}
    mask = METHODS["shuffled"].prune(subject(model, source_mask=ticket))
    assert {name: is_kept.sum() for name, is_kept in mask.items()} == {
        name: m.sum() for name, m in ticket.items()
    }
    assert len({float(is_kept.mean()) for is_kept in ticket.values()}) > 1  # counts of layers differ
    assert all((mask[name] != ticket[name]).any() for name in ticket)
    assert same(ticket, before)
