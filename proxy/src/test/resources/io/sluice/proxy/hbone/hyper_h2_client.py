"""One CONNECT through an HBONE server with Python's ssl and hyper-h2, neither of which Sluice uses.

Usage: hyper_h2_client.py HOST PORT SVID.pem ROOT.pem AUTHORITY MEBIBYTES
Sends the bytes, ends its direction, and prints one line: status, bytes that came back unchanged, and how the stream ended.
"""

import hashlib
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events

BLOCK = bytes(range(256)) * 64


class Tunnel:
    def __init__(self, tls, authority):
        self.tls = tls
        # Unchecked on the way out: 4.1 asks for a scheme and a path even of CONNECT (RFC 9113 section 8.5).
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False)
        self.http = h2.connection.H2Connection(config)
        self.http.initiate_connection()
        self.stream = self.http.get_next_available_stream_id()
        self.http.send_headers(self.stream, [(":method", "CONNECT"), (":authority", authority)])
        self.status = None
        self.received = 0
        self.digest = hashlib.sha256()
        self.end = None
        self.flush()

    def flush(self):
        self.tls.sendall(self.http.data_to_send())

    def read(self):
        """Takes what the server sent; gives credit for all of it."""
        data = self.tls.recv(65536)
        if not data:
            self.end = self.end or "closed"
            return
        for event in self.http.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.status = dict(event.headers)[":status"]
            elif isinstance(event, h2.events.DataReceived):
                self.received += len(event.data)
                self.digest.update(event.data)
                self.http.acknowledge_received_data(event.flow_controlled_length, self.stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.end = self.end or "END_STREAM"
            elif isinstance(event, h2.events.StreamReset):
                self.end = self.end or "RST_STREAM"
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.end = self.end or "GOAWAY"
        self.flush()

    def send(self, total):
        """As fast as the windows open, while reading what comes back."""
        sent = hashlib.sha256()
        left = total
        while left > 0 and self.end is None:
            window = min(self.http.local_flow_control_window(self.stream), self.http.max_outbound_frame_size)
            count = min(window, left, len(BLOCK))
            if count == 0:
                self.read()
                continue
            self.http.send_data(self.stream, BLOCK[:count])
            sent.update(BLOCK[:count])
            left -= count
            self.flush()
        return sent.hexdigest()


def connect(host, port, svid, root):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # identities are SPIFFE's, not host names
    context.load_verify_locations(root)
    context.load_cert_chain(svid)
    context.set_alpn_protocols(["h2"])
    tls = context.wrap_socket(socket.create_connection((host, int(port)), timeout=20))
    uris = [value for kind, value in tls.getpeercert()["subjectAltName"] if kind == "URI"]
    return tls, uris


def main():
    host, port, svid, root, authority, mebibytes = sys.argv[1:]
    tls, uris = connect(host, port, svid, root)
    tunnel = Tunnel(tls, authority)
    while tunnel.status is None and tunnel.end is None:
        tunnel.read()
    same = "nothing-sent"
    if tunnel.status == "200":
        digest = tunnel.send(int(mebibytes) << 20)
        tunnel.http.end_stream(tunnel.stream)
        tunnel.flush()
        while tunnel.end is None:
            tunnel.read()
        same = "same" if tunnel.digest.hexdigest() == digest else "different"
    print(",".join(uris), tls.version(), tls.selected_alpn_protocol(), tunnel.status, tunnel.received, same, tunnel.end)


main()
