"""async-upnp-client looks for devices from an address of this host and reads the description of the
first media server that it finds: `upnp.py ADDRESS`. What it has read is printed as JSON."""

import asyncio
import json
import sys

from async_upnp_client.aiohttp import AiohttpRequester
from async_upnp_client.client_factory import UpnpFactory
from async_upnp_client.search import async_search


async def main(address):
    locations = []

    async def found(headers):
        locations.append(headers["location"])

    target = "urn:schemas-upnp-org:device:MediaServer:1"
    await async_search(found, timeout=3, search_target=target, source=(address, 0))
    if not locations:
        sys.exit("nothing was found")
    device = await UpnpFactory(AiohttpRequester()).async_create_device(locations[0])
    told = {
        "location": locations[0],
        "device_type": device.device_type,
        "manufacturer": device.manufacturer,
        "model_name": device.model_name,
        "name": device.name,
        "serial_number": device.serial_number,
        "udn": device.udn,
    }
    print(json.dumps(told))


asyncio.run(main(sys.argv[1]))
