package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.proxy.Peers;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client and a server that share no code with either side of ours, which stand between them. */
@Timeout(60)
class Http2ForeignPeersTest {
  /** Debian's, which has the package; another Python in the path does not. */
  private static final String PYTHON = "/usr/bin/python3";

  private static final int STREAMS = 8;
  private static final int BYTES = 300_000;

  @TempDir private Path directory;

  private Process python(String... arguments) throws Exception {
    Path script = directory.resolve("peers.py");
    if (!Files.exists(script)) {
      try (InputStream resource = getClass().getResourceAsStream("hyper_h2_peers.py")) {
        assertThat(resource).isNotNull();
        Files.copy(resource, script);
      }
    }
    List<String> command = new ArrayList<>(List.of(PYTHON, script.toString()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  @Test
  void seeEachOthersMessagesWhole() throws Exception {
    Process server = python("serve");
    try (var fixture = new H2cFixture(HttpLimits.DEFAULTS)) {
      int port = Integer.parseInt(server.inputReader().readLine());
      Http2Client upstream = fixture.connect(new InetSocketAddress(Peers.V4, port));
      InetSocketAddress between =
          fixture.serve(near -> {
            Passage.join(near, Objects.requireNonNull(upstream.open()));
          });

      Process client = python("ask", "" + between.getPort(), "" + STREAMS, "" + BYTES);
      String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertThat(client.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(said.lines().toList())
          .isEqualTo(Stream.generate(() -> "103,200 same own-trailers").limit(STREAMS).toList());
      Await.until("nothing is held", () -> fixture.budget.held() == 0);
    } finally {
      server.destroyForcibly();
    }
  }
}
