"""Requirements: controls, framework ids, profiles, and the plan made from them."""
