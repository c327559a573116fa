"""What keeps the tests honest: no network, nothing left behind, missing clients counted."""
