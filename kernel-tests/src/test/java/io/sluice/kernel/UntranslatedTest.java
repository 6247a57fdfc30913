package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.lab.site.Attempt;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import io.sluice.lab.site.TcpServer;
import io.sluice.linux.socket.Sockets.Family;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Attempts that connection tracking does not look at, so that the nat table is never asked: they
 * must be refused, not pass untranslated.
 */
@Tag("kernel")
class UntranslatedTest {
  @AutoClose private static Shop shop;

  @BeforeAll
  static void openShop() {
    shop = Shop.lent(Mechanism.IPTABLES);
    raw("-A");
  }

  @AfterAll
  static void track() {
    raw("-D");
  }

  private static void raw(String change) {
    for (SitePod pod : List.of(shop.store, shop.thief)) {
      for (String program : List.of("iptables-nft", "ip6tables-nft")) {
        for (String chain : List.of("PREROUTING", "OUTPUT")) {
          Commands.run(
              "ip",
              "netns",
              "exec",
              pod.netns(),
              program,
              "-t",
              "raw",
              change,
              chain,
              "-p",
              "tcp",
              "--syn",
              "-j",
              "CT",
              "--notrack");
        }
      }
    }
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void anAttemptFromOutsideDoesNotReachTheApplication(Family family) {
    try (TcpServer store = TcpServer.echo(shop.store, family, shop.freshPort())) {
      Attempt attempt = Attempt.from(shop.stranger, shop.store.at(family, store.port()), "hi");

      assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
      assertThat(store.accepted()).isEmpty();
    }

    Attack.tried("conntrack turned off in the pod, a stranger calls in, iptables, " + family)
        .refusedBy("the second question, in the filter table")
        .countedAs("nowhere: a rule that drops; the caller is refused");
  }

  @Tag("attack")
  @ParameterizedTest
  @EnumSource(Family.class)
  void anAttemptOfThePodDoesNotLeaveIt(Family family) {
    try (TcpServer outside = TcpServer.echo(shop.stranger, family, shop.freshPort())) {
      Attempt attempt = Attempt.from(shop.thief, shop.stranger.at(family, outside.port()), "hi");

      assertThat(attempt.wasTurnedAway()).as("%s", attempt).isTrue();
      assertThat(outside.accepted()).isEmpty();
    }

    Attack.tried("conntrack turned off in the pod, the pod calls out, iptables, " + family)
        .refusedBy("the second question, in the filter table")
        .countedAs("nowhere: a rule that drops; the caller is refused");
  }
}
