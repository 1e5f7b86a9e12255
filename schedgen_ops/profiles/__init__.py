"""What is known of frameworks and applications, by name: a config chooses a profile, which fills a section.

A profile is data: keys and values of the section that it is for, in a module of its own. What the config says
itself wins over it. To add one, write such a module and name it below.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.profiles import alembic, django, knex, minio, pdf_upload, rails, typeorm

Values = Mapping[str, object]

# The sections that may have a profile, by their place in a config, and the profiles of each by name.
PROFILES: Mapping[str, Mapping[str, Values]] = {
    "migrations": {
        "alembic": alembic.MIGRATIONS,
        "django": django.MIGRATIONS,
        "knex": knex.MIGRATIONS,
        "rails": rails.MIGRATIONS,
        "typeorm": typeorm.MIGRATIONS,
    },
    "objects": {"minio": minio.OBJECTS},
    "verify.flow": {"pdf-upload": pdf_upload.FLOW},
}


def chosen(section: str, name: object) -> Values:
    """Return what the profile `name` gives to a section; nothing where there is no such profile.

    Args:
        section: the section's place in a config, as in `verify.flow`.
        name: what the config has under `profile`.
    """
    return PROFILES.get(section, {}).get(name, {}) if isinstance(name, str) else {}


def keys(section: str) -> frozenset[str]:
    """Return the keys that every profile of a section gives."""
    return frozenset.intersection(*(frozenset(values) for values in PROFILES[section].values()))
