package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Await;
import io.sluice.lab.site.OpensslCertificate;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** {@code openssl s_client} on the link, at the HBONE port of a pod: nobody without an SVID. */
@ExtendWith(SharedShop.class)
@ResourceLock(SharedShop.LOCK)
@Tag("kernel")
class HboneStrangerTest {
  private static final String HANDSHAKES = "sluice_tls_handshakes_total";

  @Tag("attack")
  @Test
  void aStrangerIsRefusedForWhatItPresentsAndTheReasonIsTold(TwoNodes shop) {
    assertStrangersRefused(shop, Mechanism.IPTABLES);
  }

  @Tag("long")
  @ParameterizedTest
  @EnumSource(value = Mechanism.class, names = "SPLIT", mode = Mode.EXCLUDE)
  void aStrangerIsRefusedUnderEachMechanism(Mechanism mechanism) {
    try (TwoNodes shop = TwoNodes.open(mechanism)) {
      assertStrangersRefused(shop, mechanism);
    }
  }

  /** Under the mechanism of the store's node. */
  private static void assertStrangersRefused(TwoNodes shop, Mechanism mechanism) {
    try (TcpServer four = TcpServer.echo(shop.store, Family.IPV4, 8080);
        TcpServer six = TcpServer.echo(shop.store, Family.IPV6, 8080)) {
      var stolenName = selfSigned(shop, "stolen-name", TwoNodes.identity(shop.buyer));
      var elsewhere = selfSigned(shop, "elsewhere", "spiffe://elsewhere/ns/shop/sa/buyer");

      for (Family family : Family.values()) {
        assertRefused(shop, family, List.of(), "no_certificate");
        assertRefused(shop, family, presenting(stolenName), "untrusted");
        assertRefused(shop, family, presenting(elsewhere), "foreign_trust_domain");
      }
      assertThat(four.accepted()).isEmpty();
      assertThat(six.accepted()).isEmpty();
      assertThat(shop.call(shop.buyer, Family.IPV4, 8080, "hi").answered()).isTrue();
    }

    for (String reason : List.of("no_certificate", "untrusted", "foreign_trust_domain")) {
      Attack.tried(
              "a stranger at a pod's port 15008, %s, IPv4 and IPv6, %s"
                  .formatted(reason, mechanism))
          .refusedBy("the serving proxy's handshake")
          .countedAs("%s{side=\"server\",reason=\"%s\"}".formatted(HANDSHAKES, reason));
    }
  }

  private static OpensslCertificate selfSigned(TwoNodes shop, String name, String identity) {
    return OpensslCertificate.selfSigned(
        shop.cluster.directory(),
        name,
        "/CN=stranger",
        "subjectAltName=critical,URI:" + identity,
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=clientAuth,serverAuth");
  }

  private static List<String> presenting(OpensslCertificate pair) {
    return List.of("-cert", pair.certificate().toString(), "-key", pair.key().toString());
  }

  private static void assertRefused(
      TwoNodes shop, Family family, List<String> arguments, String reason) {
    double before = refusals(shop, reason);
    int toldBefore = shop.b().daemon().log().length();
    AtomicInteger attempts = new AtomicInteger();

    // The log has a line a second at most, so that a stranger cannot fill it.
    Await.until(
        "the log tells " + reason,
        () -> {
          attempts.incrementAndGet();
          String said =
              connect(shop.stranger(), shop.store, family, arguments, shop.cluster.directory());
          assertThat(said).contains("CONNECTED");
          assertThat(refusalsLogged(shop, family, toldBefore))
              .anyMatch(line -> line.contains("reason=" + reason + " "));
          return true;
        });

    Await.untilPasses(
        Await.PATIENCE,
        () -> assertThat(refusals(shop, reason)).isEqualTo(before + attempts.get()));
  }

  private static List<String> refusalsLogged(TwoNodes shop, Family family, int from) {
    String remote = IpAddresses.text(new InetSocketAddress(shop.stranger().address(family), 1));
    String host = remote.substring(0, remote.length() - 1);
    return shop.b()
        .daemon()
        .log()
        .substring(from)
        .lines()
        .filter(line -> line.contains("tls_handshake_refused") && line.contains(host))
        .toList();
  }

  private static double refusals(TwoNodes shop, String reason) {
    return shop.servingView().metric(HANDSHAKES, "side=\"server\"", "reason=\"" + reason + "\"");
  }

  /** One connection from {@code from}; what {@code s_client} says until its end. */
  static String connect(
      SitePod from, SitePod to, Family family, List<String> arguments, Path directory) {
    String host = to.address(family).getHostAddress();
    String address = family == Family.IPV4 ? host : "[" + host + "]";
    List<String> command =
        new ArrayList<>(
            List.of(
                "nsenter",
                "--net=" + from.path(),
                "--",
                "openssl",
                "s_client",
                "-connect",
                address + ":" + TwoNodes.HBONE_PORT,
                "-alpn",
                "h2",
                "-ign_eof"));
    command.addAll(arguments);
    Path output = directory.resolve("s_client.txt");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(Await.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      process.destroyForcibly();
      String said = Files.readString(output, StandardCharsets.ISO_8859_1);
      assertThat(ended).as("s_client is let go: %s", said).isTrue();
      return said;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + command, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while s_client ran", e);
    }
  }
}
