"""A connector as somebody else would ship it: a distribution of its own, built and installed by test_third_party."""
