"""python-zeroconf has the name of a host, at an address of this one: `mdns_owner.py ADDRESS HOST`. It
prints a line when it has it, and keeps it until it is killed."""

import socket
import sys
import threading

from zeroconf import ServiceInfo, Zeroconf

KIND = "_workstation._tcp.local."


def main(address, host):
    zeroconf = Zeroconf(interfaces=[address])
    owned = ServiceInfo(
        KIND,
        f"owner.{KIND}",
        addresses=[socket.inet_aton(address)],
        port=9,
        server=host,
    )
    zeroconf.register_service(owned)
    print("here", flush=True)
    threading.Event().wait()


main(*sys.argv[1:])
