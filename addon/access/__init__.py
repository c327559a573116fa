"""Who may do what: pure rules over keys and tokens. Nothing here waits, listens or stores."""
