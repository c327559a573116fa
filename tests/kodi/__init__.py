"""The Kodi add-on without Kodi: its code as it is, in front of modules that only record."""
