"""The one change of the second release."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("home", "0002_create_homepage"),)
    operations = (migrations.AddField("homepage", "note", models.TextField(null=True)),)
