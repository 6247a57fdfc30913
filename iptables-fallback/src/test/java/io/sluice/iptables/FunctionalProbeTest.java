package io.sluice.iptables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.iptables.ProbeAnswer.Ability;
import io.sluice.linux.netns.LinuxNetworkNamespaces;
import io.sluice.linux.socket.Sockets.Family;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kernels that lack something, played by restore programs that refuse it. */
@Tag("kernel")
class FunctionalProbeTest {
  @TempDir private Path directory;

  /** A restore program that fails when its input contains {@code refused}. */
  private ProbeAnswer answer(Family family, String refused, String otherwise) throws IOException {
    String base = family == Family.IPV4 ? "iptables" : "ip6tables";
    Path restore = directory.resolve("restore");
    Files.writeString(
        restore,
        """
        #!/bin/sh
        input=$(cat)
        case "$input" in
        *"%s"*) echo "%s-restore: unable to initialize table 'nat'" >&2; exit 3;;
        *) echo "$input" | %s "$@";;
        esac
        """
            .formatted(refused, base, otherwise.formatted(base)));
    assertThat(restore.toFile().setExecutable(true)).isTrue();
    Path save = Path.of("/usr/sbin/" + base + "-nft-save");
    return new FunctionalProbe(new LinuxNetworkNamespaces(), "")
        .ask(new Tool(family, "nft", restore, save));
  }

  private ProbeAnswer answer(Family family, String refused) throws IOException {
    return answer(family, refused, "%s-nft-restore");
  }

  @Test
  void withoutDnatItRedirectsToLoopback() throws IOException {
    ProbeAnswer answer = answer(Family.IPV6, "DNAT");

    assertThat(answer.ability()).isEqualTo(Ability.REDIRECTS);
    assertThat(answer.dialect()).isEqualTo(new Dialect(false, true, true, ""));
    assertThat(answer.reason()).isNotEmpty();
  }

  @Test
  void withoutRejectItDrops() throws IOException {
    assertThat(answer(Family.IPV4, "REJECT").dialect()).isEqualTo(Dialect.MINIMAL);
  }

  @Test
  void withoutIpv6NatIpv6IsRefused() throws IOException {
    ProbeAnswer answer = answer(Family.IPV6, "*nat");

    assertThat(answer.ability()).isEqualTo(Ability.REFUSES);
    assertThat(answer.reason()).contains("ip6table_nat");
  }

  @Test
  void withoutIpv4NatNothingWorks() throws IOException {
    ProbeAnswer answer = answer(Family.IPV4, "*nat");

    assertThat(answer.ability()).isEqualTo(Ability.NOTHING);
    assertThat(answer.reason()).contains("iptable_nat");
  }

  @Test
  void rulesThatAreTakenButDoNothingAreNotBelieved() throws IOException {
    assertThat(answer(Family.IPV4, "never", "true %s").ability()).isEqualTo(Ability.NOTHING);
    assertThat(answer(Family.IPV6, "never", "true %s").ability()).isEqualTo(Ability.NOTHING);
  }
}
