"""The demo: the whole product on a fresh embedded stack, with figures counted where they arise."""
