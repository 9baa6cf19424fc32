"""python-zeroconf looks for a host and for web servers from an address of this host: `mdns.py ADDRESS
HOST`. It prints one line of JSON when both are there, and a second one when the server says goodbye."""

import json
import sys
import threading

from zeroconf import AddressResolver, ServiceBrowser, ServiceListener, Zeroconf

KIND = "_http._tcp.local."


class Listener(ServiceListener):
    def __init__(self):
        self.names = []
        self.came, self.left = threading.Event(), threading.Event()

    def add_service(self, zeroconf, kind, name):
        self.names.append(name)
        self.came.set()

    def update_service(self, zeroconf, kind, name):
        pass

    def remove_service(self, zeroconf, kind, name):
        self.left.set()


def main(address, host):
    zeroconf = Zeroconf(interfaces=[address])
    listener = Listener()
    browser = ServiceBrowser(zeroconf, KIND, listener)
    if not listener.came.wait(30):
        sys.exit("no web server is found")
    service = zeroconf.get_service_info(KIND, listener.names[0], timeout=10_000)
    if service is None:
        sys.exit("the web server is not told of")
    resolver = AddressResolver(host)
    if not resolver.request(zeroconf, 10_000):
        sys.exit(f"{host} is not resolved")
    told = {
        "names": listener.names,
        "server": service.server,
        "port": service.port,
        "path": (service.properties.get(b"path") or b"").decode(),
        "service": service.parsed_addresses(),
        "host": resolver.parsed_addresses(),
    }
    print(json.dumps(told), flush=True)
    if not listener.left.wait(30):
        sys.exit("the web server never leaves")
    print(json.dumps({"gone": True}), flush=True)
    browser.cancel()
    zeroconf.close()


main(*sys.argv[1:])
