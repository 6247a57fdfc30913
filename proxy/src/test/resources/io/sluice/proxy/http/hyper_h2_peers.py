"""A client and a server of HTTP/2 without TLS on Python's hyper-h2, which Sluice does not use.

Usage: hyper_h2_peers.py serve
           Prints its port; answers each request with its own content and trailers.
       hyper_h2_peers.py ask PORT STREAMS BYTES
           Sends so many requests at once, and prints what came back, one word for each.
"""

import socket
import sys
import threading

import h2.config
import h2.connection
import h2.events

BLOCK = bytes(range(256)) * 64


class Peer:
    def __init__(self, sock, client):
        self.sock = sock
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=client, header_encoding="utf-8"))
        self.http.initiate_connection()
        self.waiting = {}  # by stream: what is to be sent, and the trailers behind it

    def flush(self):
        for stream, (data, trailers) in list(self.waiting.items()):
            while data:
                room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size, len(data))
                if room <= 0:
                    break
                self.http.send_data(stream, bytes(data[:room]))
                del data[:room]
            if not data and trailers:
                self.http.send_headers(stream, trailers, end_stream=True)
                del self.waiting[stream]
        self.sock.sendall(self.http.data_to_send())

    def read(self):
        """Events of what came; none at the end."""
        data = self.sock.recv(65536)
        events = self.http.receive_data(data) if data else []
        for event in events:
            if isinstance(event, h2.events.DataReceived):
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        return data, events


def converse(sock):
    peer = Peer(sock, False)
    peer.flush()
    while True:
        data, events = peer.read()
        if not data:
            return
        for event in events:
            if isinstance(event, h2.events.RequestReceived):
                peer.http.send_headers(event.stream_id, [(":status", "103"), ("link", "</a>")])
                peer.http.send_headers(event.stream_id, [(":status", "200"), ("server", "hyper")])
                peer.waiting[event.stream_id] = (bytearray(), None)
            elif isinstance(event, h2.events.DataReceived):
                peer.waiting[event.stream_id][0].extend(event.data)
            elif isinstance(event, h2.events.TrailersReceived):
                peer.waiting[event.stream_id] = (peer.waiting[event.stream_id][0], event.headers)
        peer.flush()


def serve():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()


def ask(port, streams, size):
    peer = Peer(socket.create_connection(("127.0.0.1", port), timeout=20), True)
    content = (BLOCK * (size // len(BLOCK) + 1))[:size]
    heads, bodies, ends = {}, {}, {}
    for stream in range(1, 2 * streams, 2):
        peer.http.send_headers(
            stream,
            [(":method", "POST"), (":scheme", "http"), (":authority", "store.shop"), (":path", "/echo?n=" + str(stream))],
        )
        peer.waiting[stream] = (bytearray(content), [("number", str(stream))])
        bodies[stream] = bytearray()
    peer.flush()
    while len(ends) < streams:
        data, events = peer.read()
        if not data:
            break
        for event in events:
            if isinstance(event, (h2.events.ResponseReceived, h2.events.InformationalResponseReceived)):
                heads.setdefault(event.stream_id, []).append(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id].extend(event.data)
            elif isinstance(event, h2.events.TrailersReceived):
                ends[event.stream_id] = dict(event.headers)["number"]
            elif isinstance(event, h2.events.StreamReset):
                ends[event.stream_id] = "reset"
        peer.flush()
    for stream in bodies:
        same = "same" if bodies[stream] == content else str(len(bodies[stream]))
        print(",".join(heads.get(stream, [])), same, "own-trailers" if ends.get(stream) == str(stream) else ends.get(stream))


if sys.argv[1] == "serve":
    serve()
else:
    ask(*map(int, sys.argv[2:]))
