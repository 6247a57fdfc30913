package io.sluice.lab.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.demo.CallResult.Answered;
import io.sluice.lab.demo.CallResult.Failed;
import io.sluice.lab.demo.DemoLedger.FlowKey;
import io.sluice.lab.demo.DemoReport.Seen;
import io.sluice.linux.Errno;
import java.net.InetSocketAddress;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DemoLedgerTest {
  private static final InetSocketAddress STORE = DemoPlan.storeService(IpFamily.IPV4);
  private static final InetSocketAddress BANK =
      new InetSocketAddress(DemoPod.BANK.address(IpFamily.IPV6), DemoPlan.BANK_PORT);
  private static final FlowKey REDIRECTED =
      new FlowKey("shop/bookbuyer", "outbound", "ipv4", "redirected", "mesh_traffic");

  private final DemoLedger ledger = new DemoLedger();

  @Test
  void expectsOneRedirectionOfEveryCall() {
    ledger.note(DemoPod.BUYER, STORE, answered(STORE));
    ledger.note(DemoPod.BUYER, STORE, failed(Errno.ECONNRESET));

    assertThat(ledger.kernel()).isEqualTo(Map.of(REDIRECTED, 2L));
    assertThat(ledger.allowed()).isEqualTo(1);
    assertThat(ledger.refusedByProxy()).isEqualTo(1);
  }

  @Test
  void expectsTheKernelToRefuseWhileNoDaemonRuns() {
    ledger.note(DemoPod.BUYER, STORE, failed(Errno.ECONNREFUSED));

    assertThat(ledger.kernel())
        .containsOnlyKeys(
            REDIRECTED,
            new FlowKey("shop/bookbuyer", "outbound", "ipv4", "refused", "proxy_unavailable"));
    assertThat(ledger.refusedByProxy()).isZero();
  }

  @Test
  void expectsAnswersOfTheBankToPassTheProxyBy() {
    ledger.note(DemoPod.BUYER, BANK, answered(BANK));

    assertThat(ledger.kernel())
        .containsOnlyKeys(
            new FlowKey("shop/bookbuyer", "outbound", "ipv6", "passthrough", "excluded_port"));
    assertThat(ledger.allowed()).isZero();
  }

  @Test
  void tellsWhatDiffersFromTheMaps() {
    assertThat(AccountingSteps.compare("map", Map.of(REDIRECTED, 2L), "done", Map.of(), Map.of()))
        .satisfies(seen -> {
          assertThat(seen.ok()).isFalse();
          assertThat(seen.observed()).contains("shop/bookbuyer").contains("map 2, done 0");
        });
  }

  @Test
  void letsRulesForgetNoMoreThanWhatWasDoneDuringAChange() {
    ledger.note(DemoPod.BUYER, STORE, answered(STORE));
    ledger.beginChange();
    ledger.note(DemoPod.BUYER, STORE, answered(STORE));
    ledger.endChange();

    assertThat(againstLedger(1).ok()).isTrue();
    assertThat(againstLedger(2).ok()).isTrue();
    assertThat(againstLedger(0).ok()).isFalse();
    assertThat(againstLedger(3).ok()).isFalse();
  }

  private Seen againstLedger(long counted) {
    return AccountingSteps.compare(
        "rules", Map.of(REDIRECTED, counted), "done", ledger.kernel(), ledger.duringChanges());
  }

  private static CallResult answered(InetSocketAddress peer) {
    return new Answered("store-v1 sees somebody", peer, peer, 1);
  }

  private static CallResult failed(Errno errno) {
    return new Failed("read", errno, 1);
  }
}
