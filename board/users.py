#!/usr/bin/env python3
"""Writes the users and groups that a root's sysusers.d asks for into its passwd, group and shadow.

Their numbers are fixed here, so that two builds agree and what a user owns on the data partition
stays its own. Nobody can log in: no entry has a password.
"""

import pathlib
import shlex
import sys

NUMBERS = {
    "exstreamtv": 800,
    "systemd-network": 801,
    "systemd-resolve": 802,
    "systemd-timesync": 803,
    "messagebus": 804,
    "systemd-journal": 805,
}


def entries(root):
    for path in sorted((root / "usr/lib/sysusers.d").glob("*.conf")):
        for line in path.read_text().splitlines():
            if line[:1] in "ugm!" and line.strip():
                yield shlex.split(line, comments=True)


def main():
    root = pathlib.Path(sys.argv[1])
    users = (root / "etc/passwd").read_text().splitlines()
    groups = (root / "etc/group").read_text().splitlines()
    named = lambda lines: {line.split(":")[0] for line in lines}
    free = iter(range(820, 999))
    number = lambda name: NUMBERS.get(name) or next(free)
    for entry in entries(root):
        kind, name, rest = entry[0], entry[1], entry[2:]
        if kind[0] not in "ug":
            continue
        told = rest[0] if rest else "-"
        own = int(told) if told.isdigit() else None
        if name not in named(groups):
            group = own if own is not None else number(name)
            groups.append(f"{name}:x:{group}:")
        group = next(line.split(":")[2] for line in groups if line.split(":")[0] == name)
        if kind[0] == "u" and name not in named(users):
            says = rest[1] if len(rest) > 1 and rest[1] != "-" else ""
            home = rest[2] if len(rest) > 2 and rest[2] != "-" else "/"
            users.append(f"{name}:x:{group}:{group}:{says}:{home}:/usr/sbin/nologin")
    (root / "etc/passwd").write_text("".join(line + "\n" for line in users))
    (root / "etc/group").write_text("".join(line + "\n" for line in groups))
    shadow = root / "etc/shadow"
    shadow.write_text("".join(f"{line.split(':')[0]}:*:19000:0:99999:7:::\n" for line in users))
    shadow.chmod(0o600)


main()
