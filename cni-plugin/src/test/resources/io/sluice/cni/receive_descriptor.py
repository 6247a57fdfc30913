"""Answers each request with the inodes of the descriptors that came with its first byte, and how many came later."""

import array
import json
import os
import socket
import sys


def receive(connection, size):
    """Up to size bytes, and the inodes of the descriptors that came with them."""
    data, control, _, _ = connection.recvmsg(size, socket.CMSG_SPACE(64))
    inodes = []
    for level, kind, message in control:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        descriptors = array.array("i")
        descriptors.frombytes(message[: len(message) - len(message) % descriptors.itemsize])
        for descriptor in descriptors:
            inodes.append(os.fstat(descriptor).st_ino)
            os.close(descriptor)
    return data, inodes


path = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen(8)
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    request, inodes = receive(connection, 1)
    later = 0
    while b"\n" not in request or len(request) < request.index(b"\n") + 1 + int(request.split()[2]):
        more, others = receive(connection, 1 << 16)
        assert more, "the request was cut off"
        request += more
        later += len(others)
    answer = json.dumps({"inodes": inodes, "later": later}, separators=(",", ":")).encode()
    # Before the answer, so that it is there when the client has ended.
    with open(path + ".seen", "wb") as seen:
        seen.write(answer)
    status = 1 if b'"name": "fail"' in request else 0
    connection.sendall(b"SLUICE-CNI 1 %d %d\n" % (status, len(answer)) + answer)
    connection.close()
