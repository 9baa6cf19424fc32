#!/usr/bin/env python3
"""Which kernel modules a system needs: what the given lists ask for, and what that depends on.

modules.py KERNEL_FOLDER LIST... prints paths below the folder, one a line. A pattern of a list that
matches nothing is an error: the kernel has changed, and somebody should look.
"""

import fnmatch
import pathlib
import subprocess
import sys
import tempfile


def patterns(path):
    for line in pathlib.Path(path).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            yield line


def depends_on(folder):
    """What each module needs, as depmod sees it."""
    with tempfile.TemporaryDirectory() as base:
        modules = pathlib.Path(base, "lib/modules")
        modules.mkdir(parents=True)
        (modules / folder.name).symlink_to(folder.resolve())
        told = folder / "modules.dep"
        if not told.exists():
            subprocess.run(["depmod", "-b", base, folder.name], check=True, stderr=subprocess.DEVNULL)
        needs = {}
        for line in told.read_text().splitlines():
            module, _, rest = line.partition(":")
            needs[module] = rest.split()
        return needs


def main():
    folder = pathlib.Path(sys.argv[1])
    needs = depends_on(folder)
    builtin = {line for line in (folder / "modules.builtin").read_text().split()}
    wanted = set()
    for path in sys.argv[2:]:
        for pattern in patterns(path):
            found = fnmatch.filter(needs, f"kernel/{pattern}")
            if not found and not fnmatch.filter(builtin, f"kernel/{pattern}"):
                sys.exit(f"{path}: this kernel has no module {pattern}")
            wanted.update(found)
    closed = set()
    while wanted:
        module = wanted.pop()
        if module not in closed:
            closed.add(module)
            wanted.update(needs[module])
    print("\n".join(sorted(closed)))


main()
