"""Either hop of HBONE on Python's ssl and hyper-h2, neither of which Sluice uses, as `sluice bench --peer-hbone` starts it.

Usage: hbone_peer.py client | server
HBONE_TEST_CERTIFICATES=optional in the environment makes a server that lets in who shows none.
"""

import asyncio
import os
import ssl
import sys

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

MOST_STREAMS = 4096
BLOCK = 65536
LENIENT = os.environ.get("HBONE_TEST_CERTIFICATES") == "optional"


class Stream:
    """One CONNECT stream, and the socket that it is joined to."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        self.opened = asyncio.get_running_loop().create_future()
        self.room = asyncio.Event()
        self.arrived = asyncio.Queue()

    async def join(self, reader, writer):
        try:
            await asyncio.gather(self.send(reader), self.deliver(writer))
        except (OSError, h2.exceptions.H2Error):
            self.connection.reset(self.number)
        finally:
            self.connection.streams.pop(self.number, None)
            writer.close()

    async def send(self, reader):
        http = self.connection.http
        while data := await reader.read(BLOCK):
            while data:
                count = min(http.local_flow_control_window(self.number), http.max_outbound_frame_size, len(data))
                if count <= 0:
                    self.connection.flush()
                    self.room.clear()
                    await self.room.wait()
                    continue
                http.send_data(self.number, data[:count])
                data = data[count:]
            self.connection.flush()
        http.end_stream(self.number)
        self.connection.flush()

    async def deliver(self, writer):
        while (event := await self.arrived.get()) is not None:
            writer.write(event.data)
            await writer.drain()
            self.connection.http.acknowledge_received_data(event.flow_controlled_length, self.number)
            self.connection.flush()
        if writer.can_write_eof():
            writer.write_eof()


class Connection:
    def __init__(self, reader, writer, client):
        certificate = writer.get_extra_info("peercert") or {}
        identities = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
        allowed = [[os.environ["HBONE_PEER_IDENTITY"]]] + ([] if not LENIENT else [[]])
        if identities not in allowed:
            raise ConnectionError("a stranger: " + str(identities))
        self.reader, self.writer, self.streams = reader, writer, {}
        self.http = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=client,
                header_encoding="utf-8",
                # 4.1 asks for a scheme and a path even of CONNECT (RFC 9113 section 8.5).
                validate_inbound_headers=False,
                validate_outbound_headers=False,
            )
        )
        self.http.initiate_connection()
        self.http.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS})
        self.flush()

    def flush(self):
        if data := self.http.data_to_send():
            self.writer.write(data)

    def reset(self, number):
        try:
            self.http.reset_stream(number)
            self.flush()
        except h2.exceptions.H2Error:
            pass  # it has ended already

    async def run(self, accept=None):
        while data := await self.reader.read(BLOCK):
            for event in self.http.receive_data(data):
                number = getattr(event, "stream_id", None)
                if isinstance(event, h2.events.RequestReceived):
                    self.streams[number] = Stream(self, number)
                    asyncio.ensure_future(accept(self.streams[number], dict(event.headers)[":authority"]))
                elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
                    for stream in [self.streams[number]] if number in self.streams else self.streams.values():
                        stream.room.set()
                elif number in self.streams:
                    stream = self.streams[number]
                    if isinstance(event, h2.events.ResponseReceived):
                        stream.opened.set_result(dict(event.headers)[":status"])
                    elif isinstance(event, h2.events.DataReceived):
                        stream.arrived.put_nowait(event)
                    elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                        stream.arrived.put_nowait(None)
            self.flush()


def context(purpose):
    tls = ssl.create_default_context(purpose, cafile=os.environ["HBONE_ROOT"])
    tls.load_cert_chain(os.environ["HBONE_CERTIFICATE"], os.environ["HBONE_KEY"])
    tls.check_hostname = False  # identities are SPIFFE's, not host names
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.set_alpn_protocols(["h2"])
    return tls


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


async def client():
    connection = Connection(*await asyncio.open_connection(*address(os.environ["HBONE_CONNECT"]), ssl=context(ssl.Purpose.SERVER_AUTH)), True)

    async def carry(reader, writer, authority):
        number = connection.http.get_next_available_stream_id()
        connection.http.send_headers(number, [(":method", "CONNECT"), (":authority", authority)])
        stream = connection.streams[number] = Stream(connection, number)
        connection.flush()
        if await stream.opened == "200":
            await stream.join(reader, writer)
        else:
            writer.close()

    for forward in os.environ["HBONE_FORWARDS"].split():
        listen, authority = forward.split("=")
        await asyncio.start_server(lambda r, w, authority=authority: carry(r, w, authority), *address(listen), backlog=4096)
    await connection.run()


async def server():
    async def accept(stream, authority):
        try:
            reader, writer = await asyncio.open_connection(*address(authority))
        except OSError:
            stream.connection.http.send_headers(stream.number, [(":status", "503")], end_stream=True)
            stream.connection.flush()
            return
        stream.connection.http.send_headers(stream.number, [(":status", "200")])
        stream.connection.flush()
        await stream.join(reader, writer)

    tls = context(ssl.Purpose.CLIENT_AUTH)
    if LENIENT:
        tls.verify_mode = ssl.CERT_OPTIONAL

    async def serve(reader, writer):
        await Connection(reader, writer, False).run(accept)

    listener = await asyncio.start_server(serve, *address(os.environ["HBONE_LISTEN"]), ssl=tls)
    await listener.serve_forever()


async def patient_client():
    """Both sides are started at once, and whoever is first has to wait."""
    while True:
        try:
            return await client()
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)


asyncio.run(server() if sys.argv[1] == "server" else patient_client())
