"""The site's settings on a host; what `wagtail start` wrote has the others."""

import os

from .base import *  # noqa: F403

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "db",
        "USER": "site",
        "NAME": "pages",
        "PASSWORD": os.environ["DB_PASSWORD"],
    }
}
