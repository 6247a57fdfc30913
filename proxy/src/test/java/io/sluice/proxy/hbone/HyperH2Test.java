package io.sluice.proxy.hbone;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.await.Await;
import io.sluice.mesh.IpAddresses;
import io.sluice.proxy.Peers;
import io.sluice.proxy.tls.Pems;
import io.sluice.proxy.tls.PresentedChain;
import io.sluice.proxy.tls.TestAuthority;
import io.sluice.proxy.tls.TlsStack;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A client of HTTP/2 and TLS that shares no code with the server: hyper-h2 on Python's ssl. */
@Timeout(60)
class HyperH2Test {
  /** Debian's, which has the package; another Python in the path does not. */
  private static final String PYTHON = "/usr/bin/python3";

  private static final int MEBIBYTES = 1;
  private static final String PEER = HboneFixture.STORE + " TLSv1.3 h2";

  @TempDir private Path directory;

  @ParameterizedTest
  @CsvSource({"BORINGSSL,127.0.0.1", "BORINGSSL,::1", "JDK,127.0.0.1", "JDK,::1"})
  void carriesBytesBothWaysAndTheEndBehindThem(TlsStack stack, String loopback) throws Exception {
    try (var app = Peers.echo(InetAddress.ofLiteral(loopback));
        var fixture = new HboneFixture(stack, HboneSettings.DEFAULTS, app.address())) {
      String said = converse(fixture);

      assertThat(said).isEqualTo(PEER + " 200 " + (MEBIBYTES << 20) + " same END_STREAM");
      Await.until("the end to be told", () -> !fixture.serverEnds.isEmpty());
      assertThat(fixture.serverEnds).containsExactly(HboneFixture.Ended.FINISHED);
      assertThat(fixture.requests.element().destination()).isEqualTo(app.address());
    }
  }

  @ParameterizedTest
  @CsvSource({"DENIED,403", "UPSTREAM_REFUSED,503"})
  void readsWhyItIsRefused(HboneStatus status, String code) throws Exception {
    try (var app = Peers.echo(Peers.V4);
        var fixture = new HboneFixture(TlsStack.best(), HboneSettings.DEFAULTS, app.address())) {
      fixture.policy = exchange -> exchange.refuse(status);

      assertThat(converse(fixture)).isEqualTo(PEER + " " + code + " 0 nothing-sent END_STREAM");
      assertThat(app.accepted).hasValue(0);
    }
  }

  private String converse(HboneFixture fixture) throws Exception {
    Path script = directory.resolve("client.py");
    try (InputStream resource = HyperH2Test.class.getResourceAsStream("hyper_h2_client.py")) {
      assertThat(resource).isNotNull();
      Files.copy(resource, script);
    }
    PresentedChain chain = fixture.authority.present(TestAuthority.Leaf.of(HboneFixture.BUYER));
    Path svid = Files.writeString(directory.resolve("svid.pem"), Pems.of(chain));
    Path root = Files.writeString(directory.resolve("root.pem"), Pems.of(fixture.authority.root));
    InetSocketAddress server = fixture.exit;
    Process process =
        new ProcessBuilder(
                List.of(
                    PYTHON,
                    script.toString(),
                    server.getAddress().getHostAddress(),
                    Integer.toString(server.getPort()),
                    svid.toString(),
                    root.toString(),
                    IpAddresses.text(fixture.app),
                    Integer.toString(MEBIBYTES)))
            .redirectErrorStream(true)
            .start();
    try {
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } finally {
      process.destroyForcibly();
    }
  }
}
