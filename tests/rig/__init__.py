"""Real parts on loopback: a tracker, seeders, films, the server, and a plain HTTP client.

Nothing here needs pytest (but ``fixtures.py``), so the benchmark uses the same parts.
"""
