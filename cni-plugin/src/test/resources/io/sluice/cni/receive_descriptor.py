"""Answers each request with the inodes of the descriptors that came with its first byte."""

import array
import json
import os
import socket
import sys

path = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen(8)
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    descriptors = array.array("i")
    first, control, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4 * descriptors.itemsize))
    for level, kind, data in control:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    stream = connection.makefile("rb")
    line = first + stream.readline()
    length = int(line.split()[2])
    body = stream.read(length)
    answer = json.dumps(
        {
            "inodes": [os.fstat(descriptor).st_ino for descriptor in descriptors],
            "bodyIsWhole": len(body) == length,
        },
        separators=(",", ":"),
    ).encode()
    for descriptor in descriptors:
        os.close(descriptor)
    # Before the answer, so that it is there when the client has ended.
    with open(path + ".seen", "wb") as seen:
        seen.write(answer)
    status = 1 if b'"name": "fail"' in body else 0
    connection.sendall(b"SLUICE-CNI 1 %d %d\n" % (status, len(answer)) + answer)
    stream.close()
    connection.close()
