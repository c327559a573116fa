"""Kodi starts here, anew for each page and each action."""

import sys

from resources.lib.routes import run

run(sys.argv)
