package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.TrafficMark;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nothing that a program in a pod may set on its socket makes it the proxy's. */
@Tag("attack")
@Tag("kernel")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ForgedMarkTest {
  private static final String CALLER =
      """
      import socket, sys
      s = socket.socket(int(sys.argv[1]), socket.SOCK_STREAM)
      s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(sys.argv[4]))
      try:
          s.connect((sys.argv[2], int(sys.argv[3])))
          s.sendall(b"hi")
          s.shutdown(socket.SHUT_WR)
          answer = "answer " + s.recv(9).decode()
      except OSError as e:
          answer = "refused"
      open(sys.argv[5], "w").write(answer.strip())
      """;

  @TempDir private static Path folder;
  @AutoClose private Shop shop;

  @BeforeAll
  void openShop() {
    shop = Shop.lent(Mechanism.IPTABLES);
  }

  /** NET_RAW, which runtimes give by default, has been enough for SO_MARK since Linux 5.17. */
  @ParameterizedTest
  @CsvSource({"IPV4, net_raw", "IPV6, net_raw", "IPV4, net_admin", "IPV6, net_admin"})
  void theProxysMarkOpensNoWayAroundTheMesh(Family family, String capability) throws Exception {
    long redirected = redirected();
    long passed = passed();
    try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      String seen = call(shop.stranger.at(family, outside.port()), family, capability);

      assertThat(seen).isNotEqualTo("answer hi");
      assertThat(outside.accepted()).isEmpty();
      assertThat(redirected()).isEqualTo(redirected + 1);
      assertThat(passed()).isEqualTo(passed);
    }
    Attack.tried("connect() with the proxy's mark, CAP_" + capability + ", iptables, " + family)
        .refusedBy("nat rules: redirected into the proxy, reset by policy")
        .countedAs("sluice_interception_verdicts_total{reason=\"mesh_traffic\"}");
  }

  private long passed() {
    return shop.view().counted(shop.thief, "outbound", "passthrough", "proxy_socket");
  }

  private long redirected() {
    return shop.view().counted(shop.thief, "outbound", "redirected", "mesh_traffic");
  }

  private String call(InetSocketAddress to, Family family, String capability)
      throws IOException, InterruptedException {
    Path answer = Files.createTempFile(folder, "answer", "");
    Process caller =
        shop.thief.start(
            "setpriv",
            "--bounding-set=-all,+" + capability,
            "--inh-caps=-all",
            "python3",
            "-c",
            CALLER,
            Integer.toString(family.domain()),
            to.getAddress().getHostAddress(),
            Integer.toString(to.getPort()),
            Integer.toString(TrafficMark.VALUE),
            answer.toString());
    try {
      Await.until("the program has ended", () -> !caller.isAlive());
      assertThat(caller.exitValue()).isZero();
      return Files.readString(answer);
    } finally {
      caller.destroyForcibly();
    }
  }
}
