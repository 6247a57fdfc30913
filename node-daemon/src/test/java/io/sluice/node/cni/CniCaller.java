package io.sluice.node.cni;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sends what the plugin would to the socket {@code cni/s} of a folder. */
record CniCaller(Path directory) {

  /** What came back: exit status, then the document. */
  record Reply(int status, String body) {
    JsonNode json() throws IOException {
      return new ObjectMapper().readTree(body);
    }
  }

  Reply send(String request, boolean withNamespace) throws IOException {
    if (withNamespace) {
      return sendWithNamespace(request);
    }
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        InputStream in = Channels.newInputStream(channel);
        OutputStream out = Channels.newOutputStream(channel)) {
      assertThat(channel.connect(UnixDomainSocketAddress.of(directory.resolve("cni/s")))).isTrue();
      out.write(request.getBytes(StandardCharsets.UTF_8));
      channel.shutdownOutput();
      return reply(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /** The JDK cannot pass descriptors. */
  private Reply sendWithNamespace(String request) throws IOException {
    Path file = Files.writeString(directory.resolve("request"), request);
    Process client =
        new ProcessBuilder(
                "python3",
                "-c",
                """
                import array, os, socket, sys
                s = socket.socket(socket.AF_UNIX)
                s.connect(sys.argv[1])
                request = open(sys.argv[2], "rb").read()
                fds = array.array("i", [os.open("/proc/self/ns/net", os.O_RDONLY)])
                s.sendmsg([request[:1]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
                s.sendall(request[1:])
                while chunk := s.recv(65536):
                    sys.stdout.buffer.write(chunk)
                """,
                directory.resolve("cni/s").toString(),
                file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    return reply(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
  }

  private static Reply reply(String text) {
    int end = text.indexOf('\n');
    String[] header = text.substring(0, end).split(" ", -1);
    assertThat(header).hasSize(4).startsWith("SLUICE-CNI", "1");
    String body = text.substring(end + 1);
    assertThat(body).hasSize(Integer.parseInt(header[3]));
    return new Reply(Integer.parseInt(header[2]), body);
  }
}
