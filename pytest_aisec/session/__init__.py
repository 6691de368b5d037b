"""Everything that takes a `pytest.Config`: one audit from its options to its bundle."""
