"""What gunicorn serves: ``wsgi:app``."""

from gevent import monkey

monkey.patch_all()

from addon.app import create_app  # noqa: E402 - only after the standard library is patched
from addon.settings import load_settings  # noqa: E402

app = create_app(load_settings())
