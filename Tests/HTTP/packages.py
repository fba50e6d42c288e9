"""Packages from PyPI, in virtual environments of the tests' own."""

import os
import subprocess
import sys

BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build")


def environment(name, packages):
    """The folder of an environment that has these packages, each as `NAME==VERSION`.

    It is kept from run to run, and made anew where the packages are others."""
    place = os.path.normpath(f"{BUILD}/{name}")
    mark = f"{place}/packages"
    if os.path.exists(mark):
        with open(mark, encoding="ascii") as file:
            if file.read().split() == list(packages):
                return place
    subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
    done = subprocess.run([f"{place}/bin/pip", "install", "--quiet", *packages], check=False)
    if done.returncode:
        sys.exit(f"{' and '.join(packages)} cannot be installed from PyPI: nothing was tested")
    with open(mark, "w", encoding="ascii") as file:
        file.write("\n".join(packages))
    return place
