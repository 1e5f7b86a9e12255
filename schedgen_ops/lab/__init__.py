"""A production in a box: hosts in containers, with sshd, Docker Engine, git and the reference application.

The flows are in `manager`; everything speaks to the engine through `docker`, the CLI in a subprocess.
"""
