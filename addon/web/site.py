"""All faces together: the Flask application around their blueprints."""

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from addon.web import problems


def build(blueprints: list[Blueprint], *, trust_proxy: bool) -> Flask:
    """One WSGI application; ``trust_proxy``: believe one proxy in front."""
    flask = Flask("addon", static_folder=None)
    flask.url_map.merge_slashes = False
    flask.json.sort_keys = False  # type: ignore[attr-defined]
    problems.register(flask)
    for blueprint in blueprints:
        flask.register_blueprint(blueprint)
    if trust_proxy:
        flask.wsgi_app = ProxyFix(flask.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    return flask
